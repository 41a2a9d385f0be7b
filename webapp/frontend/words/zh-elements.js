// Names of BPMN elements, as the menus and the head of the panel have them.

const TRIGGERS = {
  Message: '消息',
  Timer: '定时',
  Signal: '信号',
  Error: '错误',
  Escalation: '升级',
  Conditional: '条件',
  Compensation: '补偿',
  Compensate: '补偿',
  Link: '链接',
  Cancel: '取消',
  Terminate: '终止',
};
const PLACES = {
  'start event': '开始事件',
  'boundary event': '边界事件',
  'intermediate catch event': '中间捕获事件',
  'intermediate throw event': '中间抛出事件',
  'end event': '结束事件',
};
const OTHERS = {
  'Start event': '开始事件',
  'Boundary event': '边界事件',
  'Intermediate throw event': '中间事件',
  'Intermediate catch event': '中间捕获事件',
  'End event': '结束事件',
  Task: '任务',
  'User task': '用户任务',
  'Service task': '服务任务',
  'Send task': '发送任务',
  'Receive task': '接收任务',
  'Manual task': '手工任务',
  'Business rule task': '业务规则任务',
  'Script task': '脚本任务',
  'Call activity': '调用活动',
  'Sub-process': '子流程',
  'Sub-process (collapsed)': '子流程（折叠）',
  'Sub-process (expanded)': '子流程（展开）',
  'Expanded sub-process': '子流程（展开）',
  'Collapsed sub-process': '子流程（折叠）',
  'Expanded event sub-process': '事件子流程',
  'Collapsed event sub-process': '事件子流程（折叠）',
  'Expanded transaction': '事务子流程',
  'Collapsed transaction': '事务子流程（折叠）',
  'Event sub-process': '事件子流程',
  'Ad-hoc sub-process': '临时子流程',
  'Ad-hoc sub-process (collapsed)': '临时子流程（折叠）',
  'Ad-hoc sub-process (expanded)': '临时子流程（展开）',
  Transaction: '事务子流程',
  'Exclusive gateway': '排他网关',
  'Parallel gateway': '并行网关',
  'Inclusive gateway': '包容网关',
  'Event-based gateway': '事件网关',
  'Event based gateway': '事件网关',
  'Complex gateway': '复杂网关',
  'Event based instantiating Gateway': '启动流程的事件网关',
  'Parallel Event based instantiating Gateway': '启动流程的并行事件网关',
  'Sequence flow': '顺序连线',
  'Default flow': '默认连线',
  'Conditional flow': '条件连线',
  'Message flow': '消息流',
  'Data object reference': '数据对象',
  'Data store reference': '数据存储',
  'Data object': '数据对象',
  'Data store': '数据存储',
  'Expanded pool/participant': '泳池（展开）',
  'Empty pool/participant': '泳池（空）',
  'Empty pool/participant (removes content)': '泳池（空，会删除内容）',
  'Text annotation': '文字注释',
  Association: '关联线',
  'Data input association': '数据输入关联',
  'Data output association': '数据输出关联',
  Group: '分组框',
  Lane: '泳道',
  Participant: '泳池',
  Pool: '泳池',
  Collaboration: '协作图',
  Process: '流程',
  Events: '事件',
  Gateways: '网关',
  Tasks: '任务',
  'Sub-processes': '子流程',
  Participants: '泳池',
  Data: '数据',
};

const titled = (name) => name.replace(/\b[a-z]/g, (letter) => letter.toUpperCase());

function events() {
  const found = {};
  for (const [trigger, zh] of Object.entries(TRIGGERS)) {
    for (const [place, where] of Object.entries(PLACES)) {
      found[`${trigger} ${place}`] = `${zh}${where}`;
      found[`${trigger} ${place} (non-interrupting)`] = `${zh}${where}（非中断）`;
    }
  }
  return found;
}

const named = { ...events(), ...OTHERS };
/** The panel writes the same names with capitals and without hyphens. */
export const elements = {
  ...Object.fromEntries(Object.entries(named).map(([name, zh]) => [titled(name.replace(/-/g, ' ')), zh])),
  ...Object.fromEntries(Object.entries(named).map(([name, zh]) => [titled(name), zh])),
  ...named,
};
