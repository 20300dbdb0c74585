import { expect, test } from '@jest/globals';
import { editByHand } from '../../../../hack/demo/hand-edit.ts';

const password = 'p"ss\\w0rd';

/** kubectl of a cluster whose redis-cli answers this, and its command lines. */
function kubectlOf(answer: string) {
  const commandLines: string[] = [];
  const inputs: string[] = [];
  const kubectl = (args: readonly string[], _: AbortSignal, input = ''): Promise<string> => {
    commandLines.push(args.join(' '));
    inputs.push(input);
    return Promise.resolve(args[0] === 'get' ? Buffer.from(password).toString('base64') : answer);
  };
  return { kubectl, commandLines, inputs };
}

test('the password stands on no command line', async () => {
  const { commandLines, inputs, ...programs } = kubectlOf('OK\nOK');
  const typed = await editByHand(programs, new AbortController().signal);
  expect(inputs.at(-1)).toBe('AUTH "p\\"ss\\\\w0rd"\nCONFIG SET maxmemory-policy noeviction\n');
  expect([...commandLines, typed].join('\n')).not.toContain('w0rd');
});

test('an answer that is not OK is told, without the password', async () => {
  const refused = editByHand(kubectlOf('OK\nERR unknown'), new AbortController().signal);
  await expect(refused).rejects.toThrow('saw "OK\\nERR unknown"; wanted OK twice');
});
