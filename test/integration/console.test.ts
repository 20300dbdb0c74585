import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { bundle } from '../../hack/image/bundle.ts';
import { startChromium, type Tab } from '../../hack/servers/chromium.ts';
import { consolePage } from '../../operator/serve/console/pages.ts';
import { consistently, eventually } from '../world/eventually.ts';
import { hostileText, readersToken, serveConsole, type ConsoleWorld } from './console-world.ts';

/** Where the pictures of docs/console.md are to be written; else none are. */
const pictures = process.env['GENOPS_CONSOLE_PICTURES'];

let world: ConsoleWorld;
let browser: Awaited<ReturnType<typeof startChromium>>;
let tab: Tab;
beforeAll(async () => {
  world = await serveConsole();
  browser = await startChromium({ width: 1100, height: 900 });
  ({ tab } = browser);
}, 300_000);
afterAll(async () => {
  expect(tab.complaints.filter((said) => !/status of 40[13]/.test(said))).toEqual([]); // a refusal is logged by the browser itself
  await browser[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

const textOf = (selector: string) =>
  tab.evaluate<string>(`document.querySelector(${JSON.stringify(selector)})?.innerText ?? ''`);
const focused = () =>
  tab.evaluate<string>(
    'document.activeElement.getAttribute("href") || document.activeElement.id || document.activeElement.innerText',
  );
const picture = async (name: string, height?: number): Promise<void> => {
  if (pictures === undefined) return;
  await mkdir(pictures, { recursive: true });
  await writeFile(join(pictures, `console-${name}.png`), await tab.screenshot(height));
};
/** Presses Tab until the focus is there; on a page with fewer than 40 stops. */
async function tabTo(wanted: string): Promise<void> {
  for (let stops = 0; stops < 40 && (await focused()) !== wanted; stops++) await tab.press('Tab');
  expect(await focused()).toBe(wanted);
}

test('asks for a token, and says what the operator saw where it is not enough', async () => {
  await tab.goTo(world.url);
  await eventually(async () => expect(await textOf('#ask-why')).toMatch(/^saw no token/));
  await tab.press('Escape');
  await tabTo('Give a token'); // who closed the question can have it again
  await tab.press('Enter');
  await tabTo('token');
  await tab.type('nonsense');
  await tab.press('Enter');
  await eventually(async () => expect(await textOf('#ask-why')).toMatch(/^saw a token that the cluster does not take/));
  await tab.type(readersToken);
  await tab.press('Enter');
  await eventually(async () => expect(await textOf('#ask-why')).toMatch(/next: ask for one namespace/));
});

test('shows every service of the namespace, by the keyboard alone', async () => {
  await tabTo('namespace');
  await tab.type('ai');
  await tab.press('Enter');
  await eventually(async () => expect(await textOf('.summary')).toBe('2 of 3 ready'));
  expect(await textOf('h1')).toBe('Services in ai');
  const rows = await tab.evaluate<string[]>(
    `[...document.querySelectorAll('tbody tr')].map((row) => row.innerText.replaceAll('\\t', '|'))`,
  );
  expect(rows).toEqual([
    'ai/generation|✓ Reconciled|✓ Fresh|✕ 4/5|Good|4|–|Enforce|1 d',
    'ai/search|✓ Reconciled|✓ Fresh|✕ 4/5|Good 2/4|2|workflow: PostgresConnections|Enforce|1 d',
    'ai/thumbnails|✕ Degraded|✕ NoPods|✕ 0/6|–|–|–|Enforce|1 d',
  ]);
  await picture('fleet', 330);
});

test('the token is in no address, no cookie and nothing that outlives the tab', async () => {
  expect(await tab.evaluate('[location.href, document.cookie, JSON.stringify(localStorage)].join()')).not.toContain(
    readersToken,
  );
  expect(tab.requests.join()).not.toContain(readersToken);
});

test('looks again when somebody comes back to it, keeps the focus, and does not look while nobody can see it', async () => {
  await tabTo('#/ai/search');
  world.breakSearch();
  const show = (hidden: boolean) =>
    tab.evaluate(
      `Object.defineProperty(document, 'hidden', { configurable: true, value: ${hidden} }); document.dispatchEvent(new Event('visibilitychange'))`,
    );
  await show(true);
  const before = tab.requests.length;
  await consistently(() => expect(tab.requests.length).toBe(before), { forMs: 11_000 }); // longer than it waits between two looks
  await show(false);
  await eventually(async () => expect(await textOf('.summary')).toBe('1 of 3 ready'));
  expect(await focused()).toBe('#/ai/search');
});

test('draws one service: load, replicas with their bounds, p95 of responses and of workflows, hit ratio', async () => {
  await tabTo('#/ai/generation');
  await tab.press('Enter');
  await eventually(async () => expect(await tab.evaluate('document.querySelectorAll("canvas").length')).toBe(5));
  expect(await textOf('.summary')).toMatch(/^✓ Ready · mode Enforce · objectives 4\/5 · grade /);
  const said = await tab.evaluate<string[]>(
    '[...document.querySelectorAll(".plot")].map((plot) => plot.getAttribute("aria-label"))',
  );
  expect(said).toEqual([
    expect.stringMatching(/^Load: requests [\d.]+ \/s, at least –$/),
    expect.stringMatching(/^Replicas: ready [24], floor 4, max 12$/),
    expect.stringMatching(/^Response time, p95: p95 [\d.]+ (ms|s)$/),
    expect.stringMatching(/^Workflow duration, p95: p95 [\d.]+ s, target 30 s$/),
    expect.stringMatching(/^Cache hit ratio of the workload: hits [\d.]+ %, target [\d.]+ %$/),
  ]);
  expect(await coloured('--line')).toEqual([
    expect.any(Number),
    expect.any(Number),
    expect.any(Number),
    expect.any(Number),
    expect.any(Number),
  ]);
  expect(Math.min(...(await coloured('--line')))).toBeGreaterThan(150);
  expect(Math.min(...(await coloured('--decision')))).toBeGreaterThan(20);
  expect((await coloured('--second'))[0]).toBeGreaterThan(20); // where not every Pod told its load
  const labels = (stepMs: number) =>
    tab.evaluate<string[]>(`import('./console/dom.js').then((dom) => dom.timeLabels([0, ${stepMs}], ${stepMs}))`);
  expect(await labels(30_000)).toEqual([expect.stringMatching(/:00$/), expect.stringMatching(/:30$/)]);
  expect((await labels(60_000)).map(({ length }) => length)).toEqual([5, 5]);
  await picture('service');
});

/** Pixels of a colour of the style sheet, for each chart. */
const coloured = (name: string) =>
  tab.evaluate<number[]>(`(() => {
    const probe = document.createElement('canvas').getContext('2d');
    probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue('${name}').trim();
    probe.fillRect(0, 0, 1, 1);
    const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
    return [...document.querySelectorAll('canvas')].map((canvas) => {
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      let count = 0;
      for (let at = 0; at < data.length; at += 4)
        if (data[at] === r && data[at + 1] === g && data[at + 2] === b && data[at + 3] === 255) count++;
      return count;
    });
  })()`);

test('what somebody wrote is shown as it is written', async () => {
  const changes = await tab.evaluate<string[]>(
    '[...document.querySelectorAll(".change")].map((change) => change.innerText)',
  );
  expect(changes).toHaveLength(4);
  expect(changes[2]).toContain(hostileText);
  expect(await tab.evaluate('[document.images.length, document.title]')).toEqual([0, 'generation · genops']);
});

test('the arrows say the figures of a moment, and the change beside it', async () => {
  await tab.evaluate('document.querySelector(".plot").focus()');
  await tab.press('ArrowLeft');
  await tab.press('ArrowLeft');
  expect(await textOf('.readout')).toMatch(/^\d\d:\d\d:\d\d Load: requests [\d.]+ \/s, at least –$/);
  for (let steps = 0; steps < 90 && !(await textOf('.readout')).includes('ObjectivesMet'); steps++)
    await tab.press('ArrowLeft');
  expect(await textOf('.readout')).toContain('condition: ObjectivesMet is True (AllMet)');
});

test('a change that has the focus stands out on every chart', async () => {
  const before = await coloured('--decision');
  await tab.evaluate('document.querySelectorAll(".change")[2].focus()');
  await eventually(async () => {
    const after = await coloured('--decision');
    expect(after.every((count, at) => count > 2 * (before[at] ?? 0))).toBe(true);
  });
  expect(await textOf('.readout')).toContain(hostileText);
});

test('the mouse on the line of a change says what it was', async () => {
  expect(await saidUnderTheMouse('spec changed')).toMatch(/^\d\d:\d\d:\d\d spec: spec changed \(generation 3\)$/);
});

/** What is said while the mouse goes over a chart from left to right, as soon as it has these words. */
async function saidUnderTheMouse(words: string): Promise<string> {
  await tab.evaluate('document.querySelector(".board").scrollIntoView()');
  const [left = 0, width = 0, y = 0] = await tab.evaluate<number[]>(
    '(({ left, width, top, height }) => [left, width, top + height / 2])(document.querySelector(".u-over").getBoundingClientRect())',
  );
  for (let x = left; x < left + width && !(await textOf('.readout')).includes(words); x += 4) await tab.pointAt(x, y);
  return textOf('.readout');
}

test('has the newest decision of each component, with what it was made from and what holds it, and its mark on the charts', async () => {
  const cells = await tab.evaluate<string[]>(
    '[...document.querySelectorAll(".decisions tbody tr > *")].map((cell) => cell.innerText)',
  );
  expect(cells).toEqual([
    'workflow',
    'Hold at 4',
    'WithinBand: 11.2/s a Pod ask for 3',
    'requests_per_second 11.2 of 20 a Pod asks for 3',
    'ScaleDownStabilization',
    expect.stringMatching(/^\d\d:\d\d:\d\d$/),
    expect.stringMatching(/^\d\d:\d\d:\d\d$/),
  ]);
  const found = await saidUnderTheMouse('Hold at 4');
  expect(found).toMatch(/decision: workflow: Hold at 4 \(WithinBand\): .*, held by ScaleDownStabilization$/);
});

test('in the dark it is dark, charts too', async () => {
  await tab.prefer('dark');
  await eventually(async () => expect(Math.min(...(await coloured('--line')))).toBeGreaterThan(150));
  const lightness = await tab.evaluate<number>(
    'getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number).reduce((a, b) => a + b)',
  );
  expect(lightness).toBeLessThan(120);
  await tab.evaluate('scrollTo(0, 0)');
  await picture('dark');
  await tab.prefer('light');
});

test('nothing moves when figures come, and every control has a name', async () => {
  const shift = await tab.evaluate<number>(`new Promise((resolve) => {
    let sum = 0;
    new PerformanceObserver((list) => { for (const entry of list.getEntries()) if (!entry.hadRecentInput) sum += entry.value; }).observe({ type: 'layout-shift', buffered: true });
    requestAnimationFrame(() => requestAnimationFrame(() => resolve(sum)));
  })`);
  expect(shift).toBeLessThan(0.1);
  const nameless = await tab.evaluate<
    string[]
  >(`[...document.querySelectorAll('a, button, input, select, .plot, .scrolls')]
    .filter((one) => !(one.innerText || one.getAttribute('aria-label') || one.labels?.length)).map((one) => one.outerHTML)`);
  expect(nameless).toEqual([]);
});

test('draws no target beside what is not judged: the ratio of the workload where Redis’ is, p95 where p99 is', async () => {
  await tab.evaluate("location.hash = '#/ai/search'");
  const labels = '[...document.querySelectorAll(".plot")].map((plot) => plot.getAttribute("aria-label"))';
  await eventually(async () =>
    expect((await tab.evaluate<string[]>(labels)).slice(3)).toEqual([
      expect.stringMatching(/^Workflow duration, p95: p95 [\d.]+ s, target –$/),
      expect.stringMatching(/^Cache hit ratio of the workload: hits [\d.]+ %, target –$/),
    ]),
  );
});

test('it asks nobody but the operator', () => {
  const others = tab.requests.filter((url) => !url.startsWith(world.url));
  expect(others).toEqual([]);
  expect(tab.requests.length).toBeGreaterThan(10);
});

test('the bundle of the operator has the same pages in it, as text', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'genops-bundle-'));
  try {
    const program = join(folder, 'pages.mjs');
    await writeFile(program, await bundle('operator/serve/console/pages.ts'));
    const script = `import(${JSON.stringify(program)}).then(({ consolePage }) => console.log(JSON.stringify(['/', '/console/uplot.js'].map((path) => consolePage(path)))))`;
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], { cwd: folder });
    expect(JSON.parse(stdout)).toEqual(['/', '/console/uplot.js'].map((path) => consolePage(path)));
  } finally {
    await rm(folder, { recursive: true });
  }
});
