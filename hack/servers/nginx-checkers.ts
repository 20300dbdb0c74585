import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { pythonPackages } from './wheel.ts';

const run = promisify(execFile);
/** What is the user's to say: how long connections last, whether a name is never to be served by HTTP again, and that files which are others are seen at once. */
const skipped = ['low_keepalive_requests', 'hsts_header', 'try_files_is_evil_too'];
const requirements = ['crossplane==0.5.8', 'gixy-ng==0.2.59'];

/** Third parties that read configurations of nginx: a parser that knows each directive's places and arguments, and one that looks for what is unsafe. */
export interface NginxCheckers {
  /** What they have against these files, `<file>: <words>`, sorted. */
  complaints(files: readonly string[]): Promise<readonly string[]>;
}

/** @throws On a machine that has neither pip nor what it would install: what is not checked is not to pass for checked. */
export async function nginxCheckers(): Promise<NginxCheckers> {
  const folder = await pythonPackages('nginx-checkers-1', requirements);
  if (folder === undefined)
    throw new Error('crossplane and gixy are Python packages and this machine has no pip: install python3-pip');
  const python = async (...args: readonly string[]): Promise<string> => {
    const env = { ...process.env, PYTHONPATH: folder };
    // gixy answers with code 1 where it has found something.
    const { stdout } = await run('python3', args, { env, maxBuffer: 2 ** 26, timeout: 120_000 }).catch(answerOf);
    return stdout;
  };
  return {
    async complaints(files) {
      const [parsed, found] = await Promise.all([
        python('-c', parse, ...files),
        python('-m', 'gixy', '--format', 'json', '--skips', skipped.join(), ...files),
      ]);
      return [...parseErrors(parsed), ...issues(found)].toSorted();
    },
  };
}

function answerOf(error: unknown): { readonly stdout: string } {
  if (Error.isError(error) && 'stdout' in error && typeof error.stdout === 'string' && error.stdout !== '')
    return { stdout: error.stdout };
  throw error;
}

/** All files in one process: starting one takes longer than the work. */
const parse = `
import crossplane, json, sys
print(json.dumps([[file, error["error"]] for file in sys.argv[1:] for error in crossplane.parse(file)["errors"]]))
`;

const parseErrors = (text: string): readonly string[] =>
  (JSON.parse(text) as readonly (readonly [string, string])[]).map(([file, error]) => `${file}: ${error}`);

interface Issue {
  readonly path?: string;
  readonly plugin: string;
  readonly reason?: string;
  readonly summary?: string;
}

const issues = (text: string): readonly string[] =>
  (JSON.parse(text) as readonly Issue[]).map(
    ({ path = '', plugin, reason, summary = '' }) => `${path}: [${plugin}] ${reason ?? summary}`,
  );
