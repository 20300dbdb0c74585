import { describe, expect, test } from '@jest/globals';
import { command, exit, runCommand } from '../../../operator/cli/command.ts';

const options = {
  color: { type: 'string', short: 'c', default: 'red' },
  'of-all': { type: 'boolean', default: true },
  file: { type: 'string', multiple: true },
} as const;

/** `genops paint` with these arguments and variables: what the command was given. */
async function given(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  let seen: unknown;
  const paint = command({
    summary: 'paint',
    usage: 'NAME',
    examples: [],
    options,
    help: { color: '', 'of-all': '', file: '' },
    run({ values, positionals }) {
      seen = { values: { ...values }, positionals };
      return Promise.resolve(exit.no);
    },
  });
  const silent = { write: () => true };
  const world = { out: silent, err: silent, signal: new AbortController().signal };
  const code = await runCommand('paint', paint, { args, env, ...world });
  expect(code).toBe(exit.no);
  return seen;
}

describe('runCommand()', () => {
  test.each([
    { name: 'defaults', args: [], env: {}, values: { color: 'red', 'of-all': true } },
    { name: 'short options', args: ['-c', 'blue'], env: {}, values: { color: 'blue', 'of-all': true } },
    {
      name: 'a variable instead of a default',
      args: [],
      env: { GENOPS_COLOR: 'green', GENOPS_OF_ALL: 'false' },
      values: { color: 'green', 'of-all': false },
    },
    {
      name: 'an argument instead of a variable',
      args: ['--color=blue', '--of-all'],
      env: { GENOPS_COLOR: 'green', GENOPS_OF_ALL: 'false' },
      values: { color: 'blue', 'of-all': true },
    },
    {
      name: '--no- for false',
      args: ['--no-of-all'],
      env: { GENOPS_OF_ALL: 'true' },
      values: { color: 'red', 'of-all': false },
    },
    {
      name: 'an empty variable for an empty value',
      args: [],
      env: { GENOPS_COLOR: '' },
      values: { color: '', 'of-all': true },
    },
    {
      name: 'a repeated option as a list',
      args: ['--file', 'a', '--file', 'b'],
      env: {},
      values: { color: 'red', 'of-all': true, file: ['a', 'b'] },
    },
    {
      name: 'the same from a variable, separated by commas',
      args: [],
      env: { GENOPS_FILE: 'a,b' },
      values: { color: 'red', 'of-all': true, file: ['a', 'b'] },
    },
    {
      name: 'no variable of another program',
      args: [],
      env: { COLOR: 'green', GENOPS_COLORS: 'all' },
      values: { color: 'red', 'of-all': true },
    },
  ])('takes $name', async ({ args, env, values }) => {
    expect(await given(['wall', ...args], env)).toEqual({ values, positionals: ['wall'] });
  });

  test('takes a variable that is neither true nor false for neither', async () => {
    await expect(given([], { GENOPS_OF_ALL: '1' })).rejects.toMatchObject({
      name: 'UsageError',
      message: 'saw GENOPS_OF_ALL=1; wanted true or false',
    });
  });

  test.each([
    { args: ['--color'], says: 'saw --color without a value; wanted --color VALUE' },
    { args: ['-c'], says: 'saw --color without a value; wanted --color VALUE' },
    {
      args: ['--color', '-3'],
      says: 'saw --color -3; wanted --color VALUE, as --color=-3 where it begins with a dash',
    },
    { args: ['-c', '-3'], says: 'saw -c -3; wanted -c VALUE, as --color=-3 where it begins with a dash' },
    { args: ['--of-all=3'], says: 'saw --of-all with a value; wanted --of-all alone' },
    { args: ['--colro=red'], says: 'saw --colro; wanted --color, if that was meant' },
    { args: ['--size'], says: 'saw --size; wanted an option of this command' },
    { args: ['-s'], says: 'saw -s; wanted an option of this command' },
  ])('says of $args in its own words what was wanted', async ({ args, says }) => {
    await expect(given(args)).rejects.toMatchObject({
      name: 'UsageError',
      message: `${says} (genops paint --help lists the options)`,
    });
  });
});
