"""What a new file begins with: a diagram with a start and an end, a decision table without a rule, a form without a field."""

from __future__ import annotations

import json
from xml.sax.saxutils import quoteattr

_DIAGRAM = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI"
  xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" xmlns:di="http://www.omg.org/spec/DD/20100524/DI"
  xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" id="definitions_{id}" targetNamespace="http://bpmn.io/schema/bpmn">
  <bpmn:process id="{id}" name={name} isExecutable="true">{english}
    <bpmn:startEvent id="start">
      <bpmn:outgoing>to_end</bpmn:outgoing>
    </bpmn:startEvent>
    <bpmn:sequenceFlow id="to_end" sourceRef="start" targetRef="end" />
    <bpmn:endEvent id="end">
      <bpmn:incoming>to_end</bpmn:incoming>
    </bpmn:endEvent>
  </bpmn:process>
  <bpmndi:BPMNDiagram id="diagram">
    <bpmndi:BPMNPlane id="plane" bpmnElement="{id}">
      <bpmndi:BPMNShape id="start_shape" bpmnElement="start">
        <dc:Bounds x="180" y="160" width="36" height="36" />
      </bpmndi:BPMNShape>
      <bpmndi:BPMNShape id="end_shape" bpmnElement="end">
        <dc:Bounds x="480" y="160" width="36" height="36" />
      </bpmndi:BPMNShape>
      <bpmndi:BPMNEdge id="to_end_edge" bpmnElement="to_end">
        <di:waypoint x="216" y="178" />
        <di:waypoint x="480" y="178" />
      </bpmndi:BPMNEdge>
    </bpmndi:BPMNPlane>
  </bpmndi:BPMNDiagram>
</bpmn:definitions>
"""
_ENGLISH = """
    <bpmn:extensionElements>
      <zeebe:properties>
        <zeebe:property name="wf.name.en" value={name} />
      </zeebe:properties>
    </bpmn:extensionElements>"""
_TABLE = """<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" xmlns:dmndi="https://www.omg.org/spec/DMN/20191111/DMNDI/"
  xmlns:dc="http://www.omg.org/spec/DMN/20180521/DC/" id="definitions_{id}" name={name} namespace="http://camunda.org/schema/1.0/dmn">
  <decision id="{id}" name={name}>
    <decisionTable id="table_{id}" hitPolicy="FIRST">
      <input id="input_{id}">
        <inputExpression id="expression_{id}" typeRef="string">
          <text></text>
        </inputExpression>
      </input>
      <output id="output_{id}" name="result" typeRef="string" />
    </decisionTable>
  </decision>
  <dmndi:DMNDI>
    <dmndi:DMNDiagram>
      <dmndi:DMNShape dmnElementRef="{id}">
        <dc:Bounds height="80" width="180" x="160" y="100" />
      </dmndi:DMNShape>
    </dmndi:DMNDiagram>
  </dmndi:DMNDI>
</definitions>
"""


def diagram(id: str, name: str, name_en: str = "") -> bytes:
    """A process that ends as soon as it begins. `id`: a name that XML takes as one."""
    english = _ENGLISH.format(name=quoteattr(name_en)) if name_en else ""
    return _DIAGRAM.format(id=id, name=quoteattr(name), english=english).encode()


def table(id: str, name: str) -> bytes:
    """A decision with one input and one output, and no rule yet."""
    return _TABLE.format(id=id, name=quoteattr(name)).encode()


def form(id: str) -> bytes:
    """A form without a field (form-js)."""
    return (json.dumps({"id": id, "type": "default", "schemaVersion": 18, "components": []}, ensure_ascii=False, indent=2) + "\n").encode()
