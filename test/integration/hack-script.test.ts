import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { resolve } from 'node:path';
import { expect, test } from '@jest/globals';

const script = resolve(import.meta.dirname, '../../hack/script.ts');

/** A script with this `main`, run to its end; `onReady` is called when it has said something. */
async function run(main: string, onReady: (kill: (signal: NodeJS.Signals) => void) => void = () => undefined) {
  const program = `import { runScript } from ${JSON.stringify(script)}; await runScript(${main});`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program]);
  child.stdout.once('data', () => onReady((signal) => child.kill(signal)));
  const [complaint, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  return { complaint, code: code as unknown };
}

test('the exit code is what the script returns', async () => {
  expect(await run('async () => 2')).toEqual({ code: 2, complaint: '' });
});

test('a failure is told in words, each with its cause', async () => {
  const main = `async () => { throw new Error('no cluster', { cause: new Error('no kind') }); }`;
  expect(await run(main)).toEqual({ code: 1, complaint: 'no cluster\n  because: no kind\n' });
});

test.each(['SIGINT', 'SIGTERM'] as const)('%s reaches the script, which can clean up', async (name) => {
  const main = `async (_, signal) => {
    const { promise, resolve } = Promise.withResolvers();
    const alive = setInterval(() => undefined, 1000);
    signal.addEventListener('abort', resolve);
    console.log('ready');
    await promise;
    clearInterval(alive);
    console.error('cleaned up');
    throw signal.reason;
  }`;
  expect(await run(main, (kill) => kill(name))).toEqual({
    code: 1,
    complaint: `cleaned up\n${name}: stopped\n`,
  });
});
