import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { exists } from '../cache.ts';
import { chromiumProgram } from './chromium-binary.ts';
import { openDevtools, type Devtools } from './devtools.ts';
import { stopServer } from './process.ts';

/** A tab of a real browser. */
export interface Tab {
  /** Goes there and waits until it is loaded. */
  goTo(url: string): Promise<void>;
  /** What an expression in the page is worth, as JSON. A Promise is waited for. @throws what it throws. */
  evaluate<T>(expression: string): Promise<T>;
  type(text: string): Promise<void>;
  press(key: 'Tab' | 'Enter' | 'Escape' | 'ArrowLeft' | 'ArrowRight'): Promise<void>;
  /** Moves the mouse there, in pixels of the window. */
  pointAt(x: number, y: number): Promise<void>;
  /** Dark or light, as the system of who looks at it says. */
  prefer(scheme: 'dark' | 'light'): Promise<void>;
  /** PNG of what is to be seen, or of the top of it. */
  screenshot(height?: number): Promise<Uint8Array>;
  /** Whatever it asked any server for, since it was opened. */
  readonly requests: readonly string[];
  /** Errors in its console, exceptions, and what its policy refused. */
  readonly complaints: readonly string[];
}

const args = [
  '--headless',
  '--remote-debugging-pipe',
  '--no-first-run',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--hide-scrollbars',
  '--disable-background-networking',
  '--disable-component-update',
  '--force-color-profile=srgb',
  '--no-sandbox', // tests run as root, which its sandbox refuses; it sees nothing but our own pages
  '--ignore-certificate-errors', // a test's certificate is its own
];

/** Starts a browser with one tab of this size. `await using` ends it. */
export async function startChromium(size: {
  readonly width: number;
  readonly height: number;
}): Promise<AsyncDisposable & { readonly tab: Tab }> {
  const { binary, env } = await chromiumProgram();
  const folder = await mkdtemp(join(tmpdir(), 'genops-chromium-'));
  const setpriv = '/usr/bin/setpriv';
  const [command = binary, ...rest] = (await exists(setpriv)) ? [setpriv, '--pdeathsig', 'SIGKILL', binary] : [binary];
  const child = spawn(command, [...rest, ...args, `--user-data-dir=${folder}`], {
    env: { ...process.env, ...env, HOME: folder },
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  });
  await once(child, 'spawn');
  const [, , , into, from] = child.stdio;
  const devtools = openDevtools(into as Duplex, from as Duplex);
  const close = async (): Promise<void> => {
    await stopServer(child);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    return { tab: await openTab(devtools, size), [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openTab(devtools: Devtools, size: { readonly width: number; readonly height: number }): Promise<Tab> {
  const { targetId } = await devtools.send<{ targetId: string }>('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await devtools.send<{ sessionId: string }>('Target.attachToTarget', {
    targetId,
    flatten: true,
  });
  const send = <T = object>(method: string, params: object = {}) => devtools.send<T>(method, params, sessionId);
  const [requests, complaints]: [string[], string[]] = [[], []];
  devtools.on('Network.requestWillBeSent', ({ request }) => requests.push((request as { url: string }).url));
  devtools.on('Runtime.exceptionThrown', ({ exceptionDetails }) => complaints.push(JSON.stringify(exceptionDetails)));
  devtools.on('Log.entryAdded', ({ entry }) => {
    if ((entry as { level: string }).level === 'error') complaints.push(JSON.stringify(entry));
  });
  devtools.on('Runtime.consoleAPICalled', ({ type, args: said }) => {
    if (type === 'error') complaints.push(JSON.stringify(said));
  });
  for (const domain of ['Page', 'Network', 'Runtime', 'Log']) await send(`${domain}.enable`);
  await send('Emulation.setDeviceMetricsOverride', { ...size, deviceScaleFactor: 1, mobile: false });
  await send('Emulation.setFocusEmulationEnabled', { enabled: true });
  return {
    requests,
    complaints,
    async goTo(url) {
      const loaded = devtools.next('Page.loadEventFired');
      await send('Page.navigate', { url });
      await loaded;
    },
    evaluate: (expression) => evaluate(send, expression),
    type: async (text) => void (await send('Input.insertText', { text })),
    async press(key) {
      const code = keys[key];
      const text = key === 'Enter' ? { text: '\r' } : {};
      await send('Input.dispatchKeyEvent', { type: 'keyDown', key, code: key, windowsVirtualKeyCode: code, ...text });
      await send('Input.dispatchKeyEvent', { type: 'keyUp', key, code: key, windowsVirtualKeyCode: code });
    },
    pointAt: async (x, y) => void (await send('Input.dispatchMouseEvent', { type: 'mouseMoved', x, y })),
    prefer: async (value) =>
      void (await send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value }] })),
    async screenshot(height = size.height) {
      const { data } = await send<{ data: string }>('Page.captureScreenshot', {
        format: 'png',
        clip: { x: 0, y: 0, width: size.width, height, scale: 1 },
      });
      return Buffer.from(data, 'base64');
    },
  };
}

const keys = { Tab: 9, Enter: 13, Escape: 27, ArrowLeft: 37, ArrowRight: 39 } as const;

interface Evaluated {
  readonly result: { readonly value: unknown };
  readonly exceptionDetails?: unknown;
}

async function evaluate<T>(send: <R>(method: string, params: object) => Promise<R>, expression: string): Promise<T> {
  const params = { expression, returnByValue: true, awaitPromise: true };
  const { result, exceptionDetails } = await send<Evaluated>('Runtime.evaluate', params);
  if (exceptionDetails !== undefined) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`);
  return result.value as T;
}
