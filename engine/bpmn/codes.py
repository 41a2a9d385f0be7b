"""Everything that can be wrong with a diagram or table, as a closed list: each with one sentence on what to do."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Code(StrEnum):
    """Why something is refused, or worth a look."""

    # the file
    NOT_XML = "not_xml"
    DOCTYPE = "doctype"
    TOO_LARGE = "too_large"
    NOT_BPMN = "not_bpmn"
    NOT_JSON = "not_json"
    SCENARIO_FAULTY = "scenario_faulty"
    NO_PROCESS = "no_process"
    NOT_EXECUTABLE = "not_executable"
    SEVERAL_PROCESSES = "several_processes"
    DUPLICATE_ID = "duplicate_id"
    # what does not run here
    UNSUPPORTED_ELEMENT = "unsupported_element"
    UNSUPPORTED_SETTING = "unsupported_setting"
    PYTHON_SCRIPT = "python_script"
    FOREIGN_VOCABULARY = "foreign_vocabulary"
    # the drawing
    NO_BEGINNING = "no_beginning"
    WRONG_FLOW = "wrong_flow"
    MISSING_CONDITION = "missing_condition"
    NEVER_JOINS = "never_joins"
    DEADLOCK = "deadlock"
    RUNS_TWICE = "runs_twice"
    NEVER_ENDS = "never_ends"
    GOES_ROUND = "goes_round"
    UNREACHABLE = "unreachable"
    UNRESOLVED_REFERENCE = "unresolved_reference"
    STEP_MISSING = "step_missing"
    STEP_MISSING_SINCE = "step_missing_since"
    WAITS_FOR = "waits_for"
    STEP_GONE = "step_gone"
    RULE_GUARDS_NOTHING = "rule_guards_nothing"
    # what elements need
    MISSING_OPERATION = "missing_operation"
    UNKNOWN_OPERATION = "unknown_operation"
    MISSING_INPUT = "missing_input"
    MISSING_HEADER = "missing_header"
    UNKNOWN_INPUT = "unknown_input"
    UNKNOWN_OUTPUT = "unknown_output"
    MISSING_DECISION = "missing_decision"
    UNKNOWN_DECISION = "unknown_decision"
    BAD_DECISION = "bad_decision"
    RULES_TOGETHER = "rules_together"
    RULES_DISAGREE = "rules_disagree"
    RULE_SHADOWED = "rule_shadowed"
    RULE_NEVER = "rule_never"
    NO_RULE = "no_rule"
    BAD_TESTS = "bad_tests"
    TESTS_OF_NOTHING = "tests_of_nothing"
    TEST_FAILS = "test_fails"
    TEST_STOPS = "test_stops"
    RULES_UNTESTED = "rules_untested"
    MISSING_RESULT = "missing_result"
    UNKNOWN_PROCESS = "unknown_process"
    NEEDS_REFUSED = "needs_refused"
    MISSING_KEY = "missing_key"
    MISSING_ASSIGNMENT = "missing_assignment"
    TWO_ASSIGNMENTS = "two_assignments"
    UNKNOWN_ROLE = "unknown_role"
    UNKNOWN_PERSON = "unknown_person"
    NOBODY_MANAGES = "nobody_manages"
    NO_TIME_LIMIT = "no_time_limit"
    UNKNOWN_CHAIN = "unknown_chain"
    BAD_CHAIN = "bad_chain"
    UNKNOWN_CALENDAR = "unknown_calendar"
    UNKNOWN_FORM = "unknown_form"
    BAD_FORM = "bad_form"
    # expressions and names
    BAD_EXPRESSION = "bad_expression"
    UNKNOWN_VARIABLE = "unknown_variable"
    NEVER_DEFINED = "never_defined"
    UNKNOWN_PART = "unknown_part"
    MONEY_CALCULATED = "money_calculated"
    BAD_TIMER = "bad_timer"
    BAD_NUMBER = "bad_number"
    RESERVED_NAME = "reserved_name"
    # letters
    BAD_LETTER = "bad_letter"
    EMPTY_LETTER = "empty_letter"
    UNKNOWN_LETTER = "unknown_letter"
    UNKNOWN_PLACE = "unknown_place"
    UNUSED_LETTER = "unused_letter"
    # what came from another engine
    CONVERTED = "converted"
    NOT_TRANSLATED = "not_translated"
    TO_BE_WRITTEN = "to_be_written"
    LISTENER = "listener"
    FORM_REPLACED = "form_replaced"
    FORM_MADE = "form_made"
    ASSUMED = "assumed"
    SHAPE_UNKNOWN = "shape_unknown"
    # what may surprise
    WRITTEN_TWICE = "written_twice"
    UNCAUGHT = "uncaught"
    # nothing to repair
    NO_EFFECT = "no_effect"
    # how it is drawn
    UNNAMED = "unnamed"
    SAME_NAME = "same_name"
    JOIN_AND_FORK = "join_and_fork"
    SUPERFLUOUS_GATEWAY = "superfluous_gateway"
    DUPLICATE_FLOW = "duplicate_flow"
    BLANK_STARTS = "blank_starts"
    NO_SHAPE = "no_shape"
    OVERLAP = "overlap"


#: advice on what runs all the same; told apart so that nobody overlooks the rest among it
ADVICE = frozenset(
    (
        *(Code.UNNAMED, Code.SAME_NAME, Code.JOIN_AND_FORK, Code.SUPERFLUOUS_GATEWAY, Code.DUPLICATE_FLOW, Code.BLANK_STARTS),
        *(Code.NO_SHAPE, Code.OVERLAP, Code.NO_TIME_LIMIT),
    )
)


_ERROR, _WARNING, _NOTE = "error", "warning", "note"

#: severity and sentence; what stands in braces are the finding's facts
SENTENCES: Mapping[Code, tuple[str, str]] = {
    Code.NOT_XML: (_ERROR, "The file cannot be read: {reason}. Export it again from the modeler."),
    Code.DOCTYPE: (_ERROR, "The file declares a document type (DOCTYPE), which may draw in other files. Remove that line."),
    Code.TOO_LARGE: (_ERROR, "The file cannot be read: {reason}. Divide the diagram."),
    Code.NOT_BPMN: (_ERROR, 'This is no BPMN 2.0 diagram: its outermost element is "{root}". Export it as BPMN 2.0 XML.'),
    Code.NOT_JSON: (_ERROR, "The file is no JSON as expected here: {reason}. Correct it with an editor that checks JSON."),
    Code.SCENARIO_FAULTY: (_ERROR, "The scenario cannot be played: {fault}. Correct the file, or remove it."),
    Code.NO_PROCESS: (_ERROR, "The diagram holds no process. Draw a process, or choose another file."),
    Code.NOT_EXECUTABLE: (_ERROR, 'No process of the diagram is marked executable. Tick "Executable" in its properties.'),
    Code.SEVERAL_PROCESSES: (
        _ERROR,
        "Several processes are executable: {processes}. Leave one, or put each into a folder of its own.",
    ),
    Code.DUPLICATE_ID: (_ERROR, 'The id "{id}" is missing or used twice. Give every element an id of its own, without blanks.'),
    Code.UNSUPPORTED_ELEMENT: (_ERROR, "This kind of element does not run here: {construct}. {remedy}"),
    Code.UNSUPPORTED_SETTING: (_ERROR, "The setting {setting} is not carried out here. {remedy}"),
    Code.PYTHON_SCRIPT: (
        _ERROR,
        "A script in {language} is never run here. Write it as a FEEL expression, or call an operation.",
    ),
    Code.FOREIGN_VOCABULARY: (
        _ERROR,
        "{attributes}: these settings are for another engine and would be ignored here. Set them again in a modeler for Camunda 8.",
    ),
    Code.NO_BEGINNING: (_ERROR, "Nothing in {where} is where it begins. Add one start event."),
    Code.WRONG_FLOW: (_ERROR, "{reason}. Draw the flow anew."),
    Code.MISSING_CONDITION: (
        _ERROR,
        'The flow {flow} leaves "{gateway}" without a condition. Give it one, or make it the default flow.',
    ),
    Code.NEVER_JOINS: (
        _ERROR,
        "The gateway waits for the flow {flow}, which only comes after it, so it would wait for ever. "
        "Merge that flow before it with an exclusive gateway.",
    ),
    Code.DEADLOCK: (
        _WARNING,
        'The gateway waits for all its flows, and "{flow}" need not come, because before it a token may take another way or end. Then the '
        "case waits here for ever. Merge with an exclusive gateway, or divide with a parallel one.",
    ),
    Code.RUNS_TWICE: (
        _WARNING,
        "Branches that run at the same time meet here without waiting for each other, so what follows is done once for each. Merge them "
        "with a parallel gateway.",
    ),
    Code.NEVER_ENDS: (_WARNING, "From here no way leads to an end, so the case can never be over: {along}. Draw a way out."),
    Code.GOES_ROUND: (
        _WARNING,
        "A case that goes round here once goes round for ever, as nothing on the way changes what decides: {along}. Put a step into it.",
    ),
    Code.UNREACHABLE: (_WARNING, "No flow leads here, so it is never reached. Connect it or remove it."),
    Code.UNRESOLVED_REFERENCE: (
        _ERROR,
        "{where} refers to {what}, which does not exist here. Correct the reference or add what is missing.",
    ),
    Code.STEP_MISSING: (
        _ERROR,
        '"{target}" can be reached without "{step}" before it, which a rule of this procedure forbids. The way: {along}. Close that path.',
    ),
    Code.STEP_MISSING_SINCE: (
        _ERROR,
        '"{target}" can be reached from "{since}" without "{step}" in between, which a rule of this procedure forbids. '
        "The way: {along}. Close that path.",
    ),
    Code.WAITS_FOR: (
        _ERROR,
        '"{target}" is never reached unless "{step}" was done, and a rule of this procedure says that it must not wait for it. '
        "Draw them side by side.",
    ),
    Code.STEP_GONE: (
        _ERROR,
        'The rules of this procedure demand {step} before "{target}", but no diagram holds it any more.{way} Put it back. '
        "Whoever means to do without it changes the rules of the procedure first.",
    ),
    Code.RULE_GUARDS_NOTHING: (
        _ERROR,
        "The rules of this procedure are about {step}, but no diagram holds it. Put it back. "
        "Whoever means to do without it changes the rules of the procedure first.",
    ),
    Code.MISSING_OPERATION: (
        _ERROR,
        "It is not said which operation is called. Enter its name as the job type, such as ehr.app_usage.",
    ),
    Code.UNKNOWN_OPERATION: (
        _ERROR,
        'No connector offers the operation "{operation}". Correct the name, or set up the connector.',
    ),
    Code.MISSING_INPUT: (_ERROR, 'The operation "{operation}" needs the input "{input}". Add it to the input mapping.'),
    Code.MISSING_HEADER: (_ERROR, 'The operation "{operation}" needs the header "{header}". Add it to the headers.'),
    Code.UNKNOWN_INPUT: (
        _WARNING,
        'The operation "{operation}" never reads the input "{input}". It takes: {known}. Correct the name, or remove it.',
    ),
    Code.UNKNOWN_OUTPUT: (
        _WARNING,
        '{where}: "{expression}" at character {position}: {reason}. The operation "{operation}" gives: {known}. Correct the name.',
    ),
    Code.MISSING_DECISION: (_ERROR, "It is not said which decision is called. Choose a decision table, or enter a job type."),
    Code.UNKNOWN_DECISION: (_ERROR, 'No table in this folder holds the decision "{decision}". Correct its id, or add the table.'),
    Code.RULES_TOGETHER: (
        _WARNING,
        "Rules {first} and {second} both apply to {example}, but the hit policy UNIQUE allows one: a case would stop there. "
        "Narrow one of them, or choose another hit policy.",
    ),
    Code.RULES_DISAGREE: (
        _WARNING,
        "Rules {first} and {second} both apply to {example} with different results, but the hit policy ANY needs equal ones: "
        "a case would stop there. Narrow one of them, or give both the same result.",
    ),
    Code.RULE_SHADOWED: (
        _WARNING,
        "Rule {rule} is never reached: the rules before it take all that it would apply to. Move it up, or remove it.",
    ),
    Code.RULE_NEVER: (_WARNING, "Rule {rule} can never apply: no value satisfies all its cells. Correct or remove it."),
    Code.NO_RULE: (
        _WARNING,
        "No rule applies to {example}; the result would be empty. Add a rule, or a default output.",
    ),
    Code.BAD_TESTS: (_ERROR, "The test rows in {file} cannot be read: {reason}. Correct them there."),
    Code.TESTS_OF_NOTHING: (_WARNING, "These test rows are never run, since there is no {table} beside them. Rename or remove the file."),
    Code.TEST_FAILS: (_ERROR, 'Test row "{row}" expects {expected}, but the result is {value}. Correct the table or the row.'),
    Code.TEST_STOPS: (_ERROR, 'Test row "{row}" has no result: {reason}. Correct the table or the row.'),
    Code.RULES_UNTESTED: (_NOTE, "No test row reaches these rules: {rules}. Add rows that do."),
    Code.BAD_DECISION: (_ERROR, "{reason}. Correct it in the decision table."),
    Code.MISSING_RESULT: (_ERROR, "It is not said where the result goes. Enter a result variable."),
    Code.UNKNOWN_PROCESS: (
        _ERROR,
        'No diagram in this folder holds an executable process "{process}". Correct its id, or add its diagram.',
    ),
    Code.NEEDS_REFUSED: (_ERROR, 'It needs the file "{file}", which is refused. Repair what is said there first.'),
    Code.MISSING_KEY: (
        _WARNING,
        'The message "{message}" has no correlation key, so one without a key reaches every case that waits. Enter a key, such as '
        "=case.number.",
    ),
    Code.WRITTEN_TWICE: (
        _WARNING,
        'The variable "{variable}" is also written by "{other}" in a parallel branch; what is written last stays. Choose two names.',
    ),
    Code.UNCAUGHT: (
        _WARNING,
        'Nothing around catches the error "{error}". Put a boundary event with this code on an activity around it, or remove it.',
    ),
    Code.MISSING_ASSIGNMENT: (
        _WARNING,
        "It is not said who does this, so it goes to the managers of the procedure. Name a role, a person or an approval chain.",
    ),
    Code.UNKNOWN_ROLE: (_WARNING, 'Nobody holds the role "{role}". Correct its name, or give it to somebody.'),
    Code.UNKNOWN_PERSON: (_WARNING, 'There is nobody with the id "{person}" at work here. Name a role, or somebody else.'),
    Code.NOBODY_MANAGES: (
        _ERROR,
        "Nobody who works here holds a role that manages the procedure ({roles}), so nobody could change it or repair its cases. Name "
        "another role, or give one of these to somebody first.",
    ),
    Code.NO_TIME_LIMIT: (
        _NOTE,
        "It is not said by when this must be done, so it never counts as late. Enter a due date, a timer or limits in its approval chain.",
    ),
    Code.TWO_ASSIGNMENTS: (_ERROR, "It has both {one} and {other}, and only one of them can count. Remove one."),
    Code.UNKNOWN_CHAIN: (_ERROR, 'There is no approval chain "{chain}". Correct the key, or set up the chain.'),
    Code.BAD_CHAIN: (_ERROR, 'In the approval chain "{chain}", {fault}. Correct it in chains.json.'),
    Code.UNKNOWN_CALENDAR: (_ERROR, 'There is no calendar "{calendar}". Correct the name, or define it in the settings.'),
    Code.BAD_FORM: (_ERROR, 'The form "{form}" cannot be used: {reason} Correct it in the form editor.'),
    Code.UNKNOWN_FORM: (_ERROR, 'There is no form "{form}". Correct the id, or add the form.'),
    Code.BAD_EXPRESSION: (_ERROR, '{where}: "{expression}" is wrong at character {position}: {reason}. Correct the expression.'),
    Code.MONEY_CALCULATED: (
        _WARNING,
        '{where}: "{amount}" is money, and may lose a fen when an expression multiplies or divides it. Let an operation calculate it.',
    ),
    Code.UNKNOWN_VARIABLE: (
        _ERROR,
        '{where}: "{expression}" fails at character {position}: {reason}. '
        "Correct the name, or let a form field, a mapping, a script or a decision give it.",
    ),
    Code.NEVER_DEFINED: (
        _WARNING,
        '{where}: "{expression}" asks at character {position} whether something is there, and it never is: {reason}. '
        "Correct the name, or take the question out.",
    ),
    Code.UNKNOWN_PART: (
        _WARNING,
        '{where}: "{expression}" at character {position}: {reason}. No step gives it, so it stays empty. There are: {known}. '
        "Correct the name.",
    ),
    Code.BAD_TIMER: (
        _ERROR,
        '"{text}" is no time of this kind: {reason}. Write it in ISO 8601, such as P3D, R3/PT24H or 2026-12-01.',
    ),
    Code.BAD_NUMBER: (_ERROR, '{where}: "{text}" is no whole number. Enter one, or a FEEL expression beginning with "=".'),
    Code.RESERVED_NAME: (_ERROR, 'The name "{name}" is kept for what the engine itself gives. Choose another name.'),
    Code.BAD_LETTER: (_ERROR, "It cannot be printed: {fault}. Correct it in the letter."),
    Code.EMPTY_LETTER: (_ERROR, "The letter says nothing. Write it, or remove it."),
    Code.UNKNOWN_LETTER: (
        _ERROR,
        'There is no letter "{letter}" in this procedure; there are: {known}. Correct the name, or add the letter.',
    ),
    Code.UNKNOWN_PLACE: (
        _ERROR,
        '{where}: "{expression}" fails at character {position}: {reason}. The step "{step}" hands the letter: {known}. '
        "Correct the name, or add it to the input mapping of the step.",
    ),
    Code.UNUSED_LETTER: (_NOTE, "No step makes this letter. Name it at a step, or remove it."),
    Code.CONVERTED: (_NOTE, "{what} became {became}."),
    Code.NOT_TRANSLATED: (_ERROR, '{where}: "{expression}" cannot be written in FEEL: {reason}. Write it anew.'),
    Code.TO_BE_WRITTEN: (
        _WARNING,
        'What {program} does is a program of the other engine. Here the operation "{operation}" is called instead, which is to be written.',
    ),
    Code.LISTENER: (
        _WARNING,
        "{listener} is not carried out here. Where the case needs what it does, draw a service task in its place.",
    ),
    Code.FORM_REPLACED: (
        _WARNING,
        'The form {page} is not here, or is a page of the other engine. In its place stands the form "{form}" with what the diagram '
        "reads: {fields}. Complete it in the form editor.",
    ),
    Code.FORM_MADE: (
        _WARNING,
        'It is not drawn where {fields} come from. They are asked for in the form "{form}". Check its fields in the form editor.',
    ),
    Code.ASSUMED: (_WARNING, "{what} is missing; {assumed} was taken. Change it where something else is meant."),
    Code.SHAPE_UNKNOWN: (
        _WARNING,
        'The table of the decision "{decision}" is not here, so its result is taken as it comes ({setting}). Add the table.',
    ),
    Code.NO_EFFECT: (_NOTE, "{what} has no effect here."),
    Code.UNNAMED: (_NOTE, "It has no name ({construct}). Name it, so that people know what it means."),
    Code.SAME_NAME: (_NOTE, 'It has the same name as "{other}". Name them so that one can be told from the other.'),
    Code.JOIN_AND_FORK: (_NOTE, "The gateway merges and divides at once. Draw two, one after the other."),
    Code.SUPERFLUOUS_GATEWAY: (_NOTE, "One flow leads in and one out, so the gateway does nothing. Remove it."),
    Code.DUPLICATE_FLOW: (_NOTE, 'There is a second flow from "{source}" to "{target}" of the same meaning. Remove one.'),
    Code.BLANK_STARTS: (_NOTE, "The sub-process has {number} plain start events, which all begin at once. Draw one, and divide behind it."),
    Code.NO_SHAPE: (_NOTE, "It is not drawn: the diagram has no shape for it, so people do not see it. Draw it anew in the modeler."),
    Code.OVERLAP: (_NOTE, 'It is drawn over "{other}". Move one of them.'),
}
