"""The small signs of BPMN as SVG paths, each drawn in a box of 20 by 20 around the origin's lower right."""

from __future__ import annotations

_RAYS = "".join(f"M{10 + 5 * x:.1f} {10 + 5 * y:.1f}L{10 + 8 * x:.1f} {10 + 8 * y:.1f}" for x, y in
                ((1, 0), (0.71, 0.71), (0, 1), (-0.71, 0.71), (-1, 0), (-0.71, -0.71), (0, -1), (0.71, -0.71)))  # fmt: skip

#: path, and whether it is filled
SIGNS: dict[str, tuple[str, bool]] = {
    # tasks
    "userTask": ("M10 3a3.5 3.5 0 1 0 .01 0M3 18v-3a5 5 0 0 1 5-4h4a5 5 0 0 1 5 4v3z", False),
    "serviceTask": (f"M10 5a5 5 0 1 0 .01 0M10 8a2 2 0 1 0 .01 0{_RAYS}", False),
    "sendTask": ("M2 5h16l-8 6zM2 7v9h16V7l-8 6z", True),
    "receiveTask": ("M2 5h16v11H2zM2 5l8 6l8-6", False),
    "scriptTask": ("M6 2h11c-3 4-3 5 0 8s3 4 0 8H4c3-4 3-5 0-8s-2-5 2-8M6 6h8M6 10h7M7 14h8", False),
    "businessRuleTask": ("M2 4h16v12H2zM2 8h16M2 12h16M8 8v8M2 5.5h16", False),
    "manualTask": ("M3 9l5-4l2 1.5l-3 2.5h10v2h-7h5v2h-5h4v2h-4h3v2H7l-4-2z", False),
    # events
    "timer": ("M10 2a8 8 0 1 0 .01 0M10 5v5l4 2", False),
    "message": ("M3 5h14v10H3zM3 5l7 5.5L17 5", False),
    "error": ("M4 16L8 5l4 6l4-8l-3 12l-4-6z", False),
    "escalation": ("M10 3l5 14l-5-5l-5 5z", False),
    "signal": ("M10 3l7 13H3z", False),
    "link": ("M3 8h8V4l7 6l-7 6v-4H3z", False),
    "compensate": ("M10 4v12l-7-6zM17 4v12l-7-6z", False),
    "conditional": ("M4 3h12v14H4zM6 6h8M6 9h8M6 12h8M6 15h8", False),
    "cancel": ("M5 3l5 5l5-5l2 2l-5 5l5 5l-2 2l-5-5l-5 5l-2-2l5-5l-5-5z", False),
    "terminate": ("M10 3a7 7 0 1 0 .01 0", True),
    "multiple": ("M10 3l7 5.2l-2.7 8.3H5.7L3 8.2z", False),
    # gateways
    "exclusiveGateway": ("M5 4h2.6L10 8l2.4-4H15l-3.6 6l3.6 6h-2.6L10 12l-2.4 4H5l3.6-6z", True),
    "parallelGateway": ("M8.7 2h2.6v6.7H18v2.6h-6.7V18H8.7v-6.7H2V8.7h6.7z", True),
    "inclusiveGateway": ("M10 3a7 7 0 1 0 .01 0M10 5a5 5 0 1 1 -.01 0", True),
    "eventBasedGateway": ("M10 1a9 9 0 1 0 .01 0M10 5l5 3.6l-1.9 5.9H6.9L5 8.6z", False),
    "complexGateway": ("M10 2v16M2 10h16M4.3 4.3l11.4 11.4M15.7 4.3L4.3 15.7", False),
    # marks below an activity
    "collapsed": ("M3 3h14v14H3zM10 6v8M6 10h8", False),
    "multiInstance": ("M5 3v14M10 3v14M15 3v14", False),
    "standard": ("M13 16a7 7 0 1 0-6 0M7 16H3M7 16v-4", False),
    "adHocSubProcess": ("M3 11c3-6 5 1 7 0s4-6 7-3c-3 6-5-1-7 0s-4 6-7 3", True),
    # data
    "dataObjectReference": ("M3 1h10l4 4v14H3zM13 1v4h4", False),
    "dataStoreReference": ("M2 4v12c3 3 13 3 16 0V4c-3-3-13-3-16 0c3 3 13 3 16 0", False),
    "done": ("M3 10l5 5l9-11", False),
}
