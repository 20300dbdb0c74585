import { chartBoard } from './charts.js';
import { badge, element, figure, stateOf, table, text, timeOfDay } from './dom.js';
import { view } from './views.js';

const ranges = [
  { label: '15 minutes', ms: 900_000 },
  { label: '1 hour', ms: 3_600_000 },
  { label: 'all that is kept', ms: undefined },
];

/** One service: how it stands, its charts, and what was changed and why. */
export function servicePage(namespace, name) {
  const base = `namespaces/${encodeURIComponent(namespace)}/generationservices/${encodeURIComponent(name)}/api/performance`;
  const standing = element('p', { class: 'summary' }, 'Loading');
  const problems = element('ul', { class: 'problems', 'aria-label': 'Conditions that do not hold' });
  const objectives = element('div', { class: 'objectives' });
  const board = chartBoard();
  const range = rangeChoice(() => void refresh(AbortSignal.timeout(9_000)).catch(() => undefined)); // the next look says what is wrong
  const decisions = element('div', { class: 'decisions' });
  const changes = element('ol', { class: 'changes', 'aria-label': 'Decisions and changes, newest first' });
  const node = element(
    'section',
    {},
    element('h1', {}, name),
    standing,
    problems,
    element('h2', {}, 'Load and answers', range.node),
    board.node,
    element('h2', {}, 'Newest decisions'),
    decisions,
    element('h2', {}, 'Decisions and changes'),
    changes,
    element('h2', {}, 'Objectives'),
    objectives,
  );
  const refresh = async (signal) => {
    const since = range.ms() === undefined ? 0 : Date.now() - range.ms();
    const [history, status] = await Promise.all([
      view(`${base}/history?since=${since}`, signal),
      statusOf(base, signal), // both may be refused, and each is heard
    ]);
    show(history, status, { standing, problems, objectives, board, decisions, changes });
    return history.observedAt;
  };
  return { node, update: refresh, close: () => board.close() };
}

/** Undefined: no valid policy says what it is measured by; its charts are there all the same. */
async function statusOf(base, signal) {
  try {
    return await view(`${base}/status`, signal);
  } catch (error) {
    if (error.status === 409) return { problem: error.message, objectives: [], conditions: [], newestDecisions: [] };
    throw error;
  }
}

function rangeChoice(onChange) {
  const select = element(
    'select',
    { id: 'range' },
    ...ranges.map(({ label }, at) => element('option', { value: String(at) }, label)),
  );
  select.addEventListener('change', onChange);
  return {
    node: element('span', { class: 'range' }, element('label', { for: 'range' }, 'Time shown'), select),
    ms: () => ranges[Number(select.value)].ms,
  };
}

function show(history, status, { standing, problems, objectives, board, decisions, changes }) {
  standing.replaceChildren(...standingOf(status));
  problems.replaceChildren(...status.conditions.filter(({ status: holds }) => holds !== 'True').map(problemOf));
  objectives.replaceChildren(
    table(
      'Objectives',
      ['Objective', 'State', 'Measured', 'Target', 'Attained', 'Since'],
      status.objectives.map(objectiveRow),
    ),
  );
  decisions.replaceChildren(decisionTable(status.newestDecisions));
  board.show(
    { ...history, changes: [...history.changes, ...looksBeside(history.changes, status.newestDecisions)] },
    targetsOf(status.objectives),
  );
  showChanges(changes, history.changes, board);
}

function standingOf({ problem, ready, mode, rating, objectivesMet }) {
  if (problem !== undefined) return [badge('bad', problem)];
  const { grade, score, scoredOf } = rating;
  return [
    badge(stateOf(ready.status), ready.status === 'True' ? 'Ready' : `not Ready: ${text(ready.reason)}`),
    ` · mode ${mode} · objectives ${text(objectivesMet)} · grade ${grade}${score === null ? '' : ` (${figure(score)} of ${scoredOf} points)`}`,
  ];
}

const problemOf = ({ type, status, reason, message }) =>
  element('li', {}, badge(stateOf(status), `${type}: ${reason}`), ` ${message}`);

const states = { Met: 'good', NotMet: 'bad' };

const objectiveRow = ({ name, component, state, measured, target, attainment, since }) => [
  component === null ? name : `${name} (${component})`,
  badge(states[state] ?? 'unknown', state),
  text(measured),
  text(target),
  text(attainment),
  since === null ? text(null) : new Date(since).toLocaleString('en-GB'),
];

const decisionTable = (decisions) =>
  table(
    'The newest decision on each component, also where it changes nothing',
    ['Component', 'Decision', 'Why', 'Made from', 'Held by', 'Next move', 'At'],
    decisions.map((one) => [
      one.component,
      movement(one),
      `${text(one.reason)}: ${text(one.message)}`,
      text((one.inputs ?? []).map(inputText).join(' · ')),
      text(one.heldBy),
      moment(one.nextEligibleTime),
      moment(one.time),
    ]),
  );

const movement = ({ action, from, to }) =>
  action === 'Hold' ? `Hold at ${figure(from)}` : `${text(action)} ${figure(from)} → ${figure(to)}`;
const inputText = ({ metric, perPod, target, asksFor }) =>
  `${metric} ${figure(perPod)} of ${figure(target)} a Pod asks for ${figure(asksFor)}`;
const moment = (time) => (time === null ? text(null) : timeOfDay(Date.parse(time)));

/** Marks of what was decided last, but for what stands among the changes already. */
const looksBeside = (changes, decisions) =>
  decisions
    .map((one) => {
      const words = `${movement(one)} (${text(one.reason)}): ${text(one.message)}${one.heldBy === null ? '' : `, held by ${one.heldBy}`}`;
      return { at: Date.parse(one.time ?? ''), kind: 'decision', component: one.component, text: words };
    })
    .filter(
      ({ at, component }) =>
        !Number.isNaN(at) &&
        !changes.some((change) => change.kind === 'decision' && change.component === component && change.at === at),
    );

const unitSeconds = { ms: 0.001, s: 1, m: 60, h: 3600 };

/** Of the hit ratio, where that of the workload is judged and not that of Redis: as a ratio; of workflows, where their p95 is judged: in seconds. Else undefined. */
function targetsOf(objectives) {
  const judged = objectives.find(({ name, source }) => name === 'CacheHitRatio' && source === 'Workload');
  const ratio = /^(\d+(?:\.\d+)?)(%?)$/.exec(judged?.target ?? '');
  const workflows = objectives.find(({ name, percentile }) => name === 'WorkflowDuration' && percentile === 95);
  const parts = [...(workflows?.target ?? '').matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  return {
    hitRatio: ratio === null ? undefined : Number(ratio[1]) / (ratio[2] === '%' ? 100 : 1),
    workflowSeconds:
      parts.length === 0
        ? undefined
        : parts.reduce((sum, [, count, unit]) => sum + Number(count) * unitSeconds[unit], 0),
  };
}

function showChanges(list, changes, board) {
  const key = JSON.stringify(changes);
  if (list.dataset.shown === key) return;
  list.dataset.shown = key;
  const items = changes.map((change) => changeOf(change, board));
  list.replaceChildren(
    ...(items.length === 0 ? [element('li', {}, 'None that this operator has seen.')] : items.toReversed()),
  );
}

/** Somebody who points at it, or comes to it with the keyboard, sees where on the charts it was. */
function changeOf(change, board) {
  const { at, kind, component, text: words } = change;
  const mark = element('button', { type: 'button', class: `change ${kind}` });
  mark.append(
    element('time', { datetime: new Date(at).toISOString() }, timeOfDay(at)),
    element('span', { class: 'kind' }, kind),
    element('span', {}, component === '' ? words : `${component}: ${words}`),
  );
  for (const [on, off] of [
    ['focus', 'blur'],
    ['pointerenter', 'pointerleave'],
  ]) {
    mark.addEventListener(on, () => board.point(change));
    mark.addEventListener(off, () => board.point(undefined));
  }
  return element('li', {}, mark);
}
