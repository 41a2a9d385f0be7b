"""The people of the company: the directory, how they log in, how a whole directory comes in, and who stands in for whom."""
