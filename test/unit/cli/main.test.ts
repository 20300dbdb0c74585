import { describe, expect, test } from '@jest/globals';
import { commands } from '../../../operator/cli/main.ts';
import { genops } from './calls.ts';

describe('genops without a command', () => {
  test.each([[], ['--help'], ['-h'], ['help']].map((args) => ({ args })))(
    'genops $args lists every command on stdout and is 0',
    async ({ args }) => {
      const answer = await genops(args);
      expect(answer).toMatchObject({ code: 0, err: '' });
      for (const [name, { summary }] of Object.entries(commands))
        expect(answer.out).toMatch(new RegExp(`^  ${name} +${summary}$`, 'm'));
    },
  );

  test.each(['policy --help', 'policy -h'])(
    'genops %s shows the commands that begin with it, and is 0',
    async (call) => {
      const answer = await genops(call.split(' '));
      expect(answer).toMatchObject({ code: 0, err: '' });
      expect(answer.out).toMatch(/^ {2}policy effective +\S/m);
      expect(answer.out).not.toMatch(/^ {2}manager /m);
    },
  );

  test('genops --version is genops version', async () => {
    expect(await genops(['--version'])).toEqual(await genops(['version']));
  });

  test.each(['status', 'policy effective', 'policy'])('genops help %s is genops %s --help', async (name) => {
    const answer = await genops(['help', ...name.split(' ')]);
    expect(answer).toMatchObject({ code: 0, err: '' });
    expect(answer).toEqual(await genops([...name.split(' '), '--help']));
  });

  test.each(['frobnicate', 'frobnicate --help', 'policy', 'policy frobnicate'])(
    'genops %s is no command: the list on stderr, and 2',
    async (name) => {
      const answer = await genops(name.split(' '));
      expect(answer).toMatchObject({ code: 2, out: '' });
      expect(answer.err).toMatch(new RegExp(`^genops: no command ${name}\n\n[\\s\\S]*policy effective`));
    },
  );
});

test.each([
  { call: 'statsu generation', meant: 'status' },
  { call: 'polcy effective', meant: 'policy effective' },
  { call: 'policy efective generation', meant: 'policy effective' },
])('genops $call is told what was probably meant', async ({ call, meant }) => {
  const { err } = await genops(call.split(' '));
  expect(err.split('\n')[0]).toBe(`genops: no command ${call}; wanted ${meant}, if that was meant`);
});

test('genops --kubeconfig X status is told that options come after the command', async () => {
  const { code, err } = await genops(['--kubeconfig', 'X', 'status', 'generation']);
  expect(code).toBe(2);
  expect(err.split('\n')[0]).toBe(
    'genops: saw --kubeconfig before a command; wanted the command first: options come after it (genops COMMAND --kubeconfig …)',
  );
});

test('the help of a command without options has no list of them', async () => {
  expect((await genops(['version', '--help'])).out).toBe(
    'print the version\n\nUsage: genops version\n\nExamples:\n  genops version\n',
  );
});

test('genops policy points to the commands that begin so', async () => {
  const { err } = await genops(['policy']);
  expect(err).toMatch(/^ {2}policy effective +\S/m);
  expect(err).not.toMatch(/^ {2}manager /m);
});

describe.each(Object.entries(commands))('genops %s', (name, { summary, examples, options, help }) => {
  test('--help shows its summary, every option with what it means, and examples of itself', async () => {
    const answer = await genops([...name.split(' '), '--help']);
    expect(answer).toMatchObject({ code: 0, err: '' });
    expect(answer.out.startsWith(`${summary}\n\nUsage: genops ${name}`)).toBe(true);
    for (const flag of Object.keys(options)) {
      expect(help[flag]).toMatch(/\S/);
      expect(answer.out).toContain(`--${flag}`);
    }
    for (const example of examples) {
      expect(example).toContain(`genops ${name}`);
      expect(answer.out).toContain(example);
    }
  });

  test('an option that it does not know is one line and 2', async () => {
    expect(await genops([...name.split(' '), '--frobnicate'])).toEqual({
      code: 2,
      out: '',
      err: `genops ${name}: saw --frobnicate; wanted an option of this command (genops ${name} --help lists the options)\n`,
    });
  });
});

describe('what is wrong with a call is one line on stderr, and 2', () => {
  test.each([
    ['status generation -o xml', 'genops status: saw --output xml; wanted one of text, json, yaml, wide'],
    ['diff generation -o xml', 'genops diff: saw --output xml; wanted one of text, json, yaml'],
    ['policy effective generation -o xml', 'genops policy effective: saw --output xml; wanted one of text, json, yaml'],
    ['manager --log-level loud', 'genops manager: saw --log-level loud; wanted one of error, warn, info, debug'],
    ['status', 'genops status: saw no name; wanted one name: genops status generation -n ai'],
    ['status a b', 'genops status: saw a b; wanted one name: genops status generation -n ai'],
    ['diff', 'genops diff: saw no name; wanted one name: genops diff generation -n ai'],
    [
      'policy effective',
      'genops policy effective: saw no name; wanted one name: genops policy effective generation -n ai',
    ],
    ['manager now', 'genops manager: saw now; wanted options only (genops manager --help lists them)'],
    [
      'nginx-agent --config-map not_a_name --nginx /nowhere',
      'genops nginx-agent: saw --config-map "not_a_name"; wanted the name of a ConfigMap, for example generation-nginx',
    ],
    [
      'nginx-agent --config-map a --bind-address 8089 --nginx /nowhere',
      'genops nginx-agent: --bind-address: saw address "8089"; wanted host:port, for example :8080 or 127.0.0.1:8080',
    ],
    [
      'nginx-agent --config-map a --shutdown-delay soon --nginx /nowhere',
      'genops nginx-agent: --shutdown-delay: saw "soon"; wanted a duration in h, m, s or ms, for example 300s or 1h30m',
    ],
    ['version 2', 'genops version: saw 2; wanted options only (genops version --help lists them)'],
    [
      'status generation --kubeconfig /nowhere/config',
      "genops status: no usable kubeconfig: looked at /nowhere/config: ENOENT: no such file or directory, open '/nowhere/config'",
    ],
  ])('genops %s', async (call, err) => {
    expect(await genops(call.split(' '))).toEqual({ code: 2, out: '', err: `${err}\n` });
  });
});

describe('an error that nobody expected', () => {
  const failing = (error: Error) => ({
    write: () => {
      throw error;
    },
  });

  test('is 2, never 1, which is an answer; it is printed with its stack', async () => {
    const answer = await genops(['version'], { out: failing(new TypeError('undefined is no function')) });
    expect(answer.code).toBe(2);
    expect(answer.err).toMatch(/^genops version: TypeError: undefined is no function\n {4}at /);
  });

  test('of the system, or from being told to stop, has no stack', async () => {
    const full = Object.assign(new Error('write ENOSPC'), { syscall: 'write', code: 'ENOSPC' });
    expect(await genops(['version'], { out: failing(full) })).toEqual({
      code: 2,
      out: '',
      err: 'genops version: write ENOSPC\n',
    });
    const stopped = new Error('stopped by SIGINT');
    expect(await genops(['version'], { out: failing(stopped), signal: AbortSignal.abort(stopped) })).toEqual({
      code: 2,
      out: '',
      err: 'genops version: stopped by SIGINT\n',
    });
  });
});
