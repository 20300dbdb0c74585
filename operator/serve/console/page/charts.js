import { duration, element, figure, percent, say, timeLabels, timeOfDay } from './dom.js';

const uPlot = globalThis.uPlot;
const height = 170;

/** What is drawn. A target is a line of one value, and only there where what is drawn is what it judges. */
const charts = [
  {
    title: 'Load',
    format: (value) => figure(value, '/s'),
    series: [
      { label: 'requests', of: ({ series }) => loadOf(series, { isWhole: true }), colour: '--line' },
      { label: 'at least', of: ({ series }) => loadOf(series, { isWhole: false }), colour: '--second', isPoints: true },
    ],
  },
  {
    title: 'Replicas',
    format: (value) => figure(value),
    series: [
      { label: 'ready', of: ({ series }) => series.replicas, colour: '--line', isStepped: true },
      { label: 'floor', of: ({ series }) => series.floor, colour: '--second', isStepped: true, dash: [6, 3] },
      { label: 'max', of: ({ series }) => series.max, colour: '--bound', isStepped: true, dash: [2, 3] },
    ],
  },
  {
    title: 'Response time, p95',
    format: duration,
    series: [{ label: 'p95', of: ({ series }) => series.responseTimeP95, colour: '--line' }],
  },
  {
    title: 'Workflow duration, p95',
    format: duration,
    series: [
      { label: 'p95', of: ({ series }) => series.workflowDurationP95, colour: '--line' },
      {
        label: 'target',
        of: ({ times }, { workflowSeconds }) => times.map(() => workflowSeconds ?? null),
        colour: '--bound',
        dash: [6, 3],
      },
    ],
  },
  {
    title: 'Cache hit ratio of the workload',
    format: percent,
    most: 1,
    series: [
      { label: 'hits', of: ({ series }) => series.cacheHitRatio, colour: '--line' },
      {
        label: 'target',
        of: ({ times }, { hitRatio }) => times.map(() => hitRatio ?? null),
        colour: '--bound',
        dash: [6, 3],
      },
    ],
  },
];

/** Where not every Pod told its load, the sum is a lower bound. */
function loadOf({ requestRate, requestRatePods, replicas }, { isWhole }) {
  return requestRate.map((rate, at) => (requestRatePods[at] >= replicas[at] === isWhole ? rate : null));
}

/** The charts of one service, with one cursor and the same marks. */
export function chartBoard() {
  const readout = element(
    'output',
    { class: 'readout', 'aria-live': 'polite' },
    'Left and right arrow on a chart: the figures of a moment.',
  );
  const marks = { all: [], pointed: undefined };
  const drawn = charts.map((chart) => drawnChart(chart, { marks, readout }));
  const node = element('div', { class: 'board' }, ...drawn.map((one) => one.node), readout);
  let last;
  const rebuild = () => {
    for (const one of drawn) one.close();
    if (last !== undefined) for (const one of drawn) one.show(...last);
  };
  const dark = matchMedia('(prefers-color-scheme: dark)');
  dark.addEventListener('change', rebuild);
  return {
    node,
    show(history, targets) {
      marks.all = history.changes;
      last = [history, targets];
      for (const one of drawn) one.show(history, targets);
    },
    point(change) {
      marks.pointed = change;
      if (change !== undefined) say(readout, markText(change));
      for (const one of drawn) one.redraw();
    },
    close() {
      dark.removeEventListener('change', rebuild);
      for (const one of drawn) one.close();
    },
  };
}

const markText = ({ at, kind, component, text }) =>
  `${timeOfDay(at)} ${kind}: ${component === '' ? '' : `${component}: `}${text}`;

function drawnChart(chart, { marks, readout }) {
  const place = element('div', { class: 'plot', tabindex: '0', role: 'group' });
  const empty = element('p', { class: 'empty' }, 'No figures of this time.');
  const node = element('figure', { class: 'chart' }, element('figcaption', {}, chart.title), place, empty);
  let plot;
  const observer = new ResizeObserver(([{ contentRect }]) => plot?.setSize({ width: contentRect.width, height }));
  place.addEventListener('mousemove', () => {
    const under = plot === undefined ? [] : marksUnder(plot, marks);
    if (under.length > 0) say(readout, under.map(markText).join(' · '));
  });
  place.addEventListener('keydown', (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step === undefined || plot === undefined || plot.data[0].length === 0) return;
    event.preventDefault();
    moveCursor(plot, step);
    say(readout, spoken(chart, plot, marks));
  });
  return {
    node,
    show(found, targets) {
      const history = withGaps(found);
      const data = [history.times, ...chart.series.map(({ of }) => of(history, targets))];
      const newest = chart.series.map(({ label }, at) => `${label} ${chart.format(data[at + 1].at(-1))}`).join(', ');
      place.setAttribute('aria-label', `${chart.title}: ${newest}`);
      empty.hidden = data.slice(1).some((values) => values.some((value) => value !== null));
      if (plot !== undefined) plot.setData(data);
      else {
        plot = new uPlot(optionsOf(chart, { marks, width: place.clientWidth }), data, place);
        observer.observe(place);
      }
      showNewest(plot);
    },
    redraw: () => plot?.redraw(false),
    close() {
      observer.disconnect();
      plot?.destroy();
      plot = undefined;
    },
  };
}

/** Where nothing was measured for longer than between two looks, the lines end and begin anew. */
function withGaps({ times, series }) {
  const steps = times.slice(1).map((at, index) => at - times[index]);
  const usual = steps.toSorted((a, b) => a - b)[Math.floor(steps.length / 2)] ?? 0;
  const before = new Set(times.slice(1).flatMap((_, index) => (steps[index] > 2.5 * usual ? [index + 1] : [])));
  const filled = (values, between) =>
    values.flatMap((value, index) => (before.has(index) ? [between(index), value] : [value]));
  return {
    times: filled(times, (index) => (times[index - 1] + times[index]) / 2),
    series: Object.fromEntries(Object.entries(series).map(([name, values]) => [name, filled(values, () => null)])),
  };
}

/** With no cursor on it, the legend has the newest figures. */
function showNewest(plot) {
  if (plot.cursor.left < 0 || plot.cursor.left === undefined) plot.setLegend({ idx: plot.data[0].length - 1 });
}

/** The changes whose lines the cursor is on, within a few pixels. */
const marksUnder = (plot, { all }) => all.filter(({ at }) => Math.abs(plot.valToPos(at, 'x') - plot.cursor.left) <= 6);

function moveCursor(plot, step) {
  const [times] = plot.data;
  const from = plot.cursor.idx ?? times.length - (step > 0 ? 1 : 0);
  const to = Math.min(Math.max(from + step, 0), times.length - 1);
  plot.setCursor({ left: plot.valToPos(times[to], 'x'), top: height / 2 }, true, true);
}

/** The figures at the cursor, and the changes close to it. */
function spoken({ title, format, series }, plot, marks) {
  const [times, ...values] = plot.data;
  const at = plot.cursor.idx ?? times.length - 1;
  const figures = series.map(({ label }, index) => `${label} ${format(values[index][at])}`).join(', ');
  const stepMs = times.length < 2 ? 10_000 : (times.at(-1) - times[0]) / (times.length - 1);
  const near = marks.all.filter((mark) => Math.abs(mark.at - times[at]) <= stepMs).map(markText);
  return [`${timeOfDay(times[at])} ${title}: ${figures}`, ...near].join(' · ');
}

function optionsOf(chart, { marks, width }) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const font = `12px ${style.fontFamily}`;
  const axis = {
    stroke: colour('--muted'),
    grid: { stroke: colour('--grid'), width: 1 },
    ticks: { stroke: colour('--grid'), width: 1 },
    font,
  };
  return {
    width,
    height,
    ms: 1,
    cursor: { sync: { key: 'board' }, drag: { x: false, y: false }, points: { size: 6 } },
    scales: { y: { range: (_plot, _min, max) => [0, chart.most ?? ((max ?? 0) * 1.1 || 1)] } },
    axes: [
      { ...axis, values: (_plot, times, _axis, _space, stepMs) => timeLabels(times, stepMs), space: 70 },
      { ...axis, size: 62, values: (_plot, values) => values.map(chart.format) },
    ],
    series: [
      { value: (_plot, at) => (at === null ? '–' : timeOfDay(at)), label: 'at' },
      ...chart.series.map((one) => seriesOf(one, chart, colour)),
    ],
    hooks: { draw: [(plot) => drawMarks(plot, marks, colour)], setCursor: [showNewest] },
  };
}

function seriesOf({ label, colour: name, dash, isStepped, isPoints }, { format }, colour) {
  return {
    label,
    stroke: colour(name),
    width: 2,
    points: { show: true, size: 4, filter: isPoints === true ? undefined : withoutNeighbours },
    value: (_plot, value) => format(value),
    ...(dash === undefined ? {} : { dash }),
    ...(isPoints === true ? { paths: () => null } : {}),
    ...(isStepped === true ? { paths: uPlot.paths.stepped({ align: 1 }) } : {}),
  };
}

/** No line leads to them. */
const withoutNeighbours = ({ data }, at) =>
  data[at].flatMap((value, index, all) =>
    value !== null && (all[index - 1] ?? null) === null && (all[index + 1] ?? null) === null ? [index] : [],
  );

/** A line for each change, in the colour of its kind; the one that is pointed at stands out. */
function drawMarks(plot, { all, pointed }, colour) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const mark of all) {
    const x = Math.round(plot.valToPos(mark.at, 'x', true));
    const isPointed = pointed !== undefined && pointed.at === mark.at && pointed.text === mark.text;
    ctx.strokeStyle = colour(`--${mark.kind}`);
    ctx.lineWidth = (isPointed ? 6 : 2) * devicePixelRatio;
    ctx.setLineDash(isPointed ? [] : [3 * devicePixelRatio, 3 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}
