import { burn } from './cpu.ts';

export interface Task {
  readonly cpuMs: number;
  /** Which of those that are asked again and again. */
  readonly prompt: number;
}

/** An object, and another one each time that a thread has computed it. */
export interface Computed {
  readonly prompt: number;
}

/** What a thread of the CPU pool does. */
export default async function compute({ cpuMs, prompt }: Task): Promise<Computed> {
  await burn(cpuMs, new AbortController().signal); // the pool ends the thread of who gives up
  return { prompt };
}
