import { main, type Process } from '../../../operator/cli/main.ts';

export interface Answer {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** What the program answers to a call, with nothing of this process' own environment. */
export async function genops(args: readonly string[], world: Partial<Process> = {}): Promise<Answer> {
  let [out, err] = ['', ''];
  const code = await main({
    args,
    env: {},
    out: { write: (text) => (out += text) },
    err: { write: (text) => (err += text) },
    signal: new AbortController().signal,
    ...world,
  });
  return { code, out, err };
}
