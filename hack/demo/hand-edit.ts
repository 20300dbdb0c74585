import type { Programs } from './programs.ts';
import { names } from './story.ts';

/** What the policy of memory is set to. */
export const editedPolicy = 'noeviction';
const edit = `CONFIG SET maxmemory-policy ${editedPolicy}`;

/**
 * What a person at three in the morning might do. The password goes over stdin: a command line can be read by everybody on the machine, and stands in the message when it fails.
 *
 * @returns The command, as that person would have typed it.
 */
export async function editByHand({ kubectl }: Pick<Programs, 'kubectl'>, signal: AbortSignal): Promise<string> {
  const where = ['-n', names.workloads];
  const secret = await kubectl(['get', 'secret', 'redis', ...where, '-o', 'jsonpath={.data.password}'], signal);
  const password = Buffer.from(secret, 'base64').toString();
  const cli = ['exec', '-i', ...where, names.redisPod, '--', '/usr/bin/redis-cli'];
  const answer = await kubectl(cli, signal, `AUTH ${JSON.stringify(password)}\n${edit}\n`);
  // redis-cli that reads its commands ends with 0 whatever became of them
  if (answer !== 'OK\nOK') throw new Error(`${edit} by hand: saw ${JSON.stringify(answer)}; wanted OK twice`);
  return `kubectl exec ${where.join(' ')} ${names.redisPod} -- redis-cli ${edit}`;
}
