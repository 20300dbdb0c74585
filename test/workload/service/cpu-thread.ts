import { burn } from './cpu.ts';

/** What a thread of the CPU pool does. */
export default async function compute({ cpuMs }: { readonly cpuMs: number }): Promise<void> {
  await burn(cpuMs, new AbortController().signal); // the pool ends the thread of who gives up
}
