/**
 * Runs what a script of hack/ is for, and sets the exit code to what it returns. Ctrl-C and SIGTERM abort its signal, so that it can clean up;
 * a failure is told in words, with what it was caused by, and is exit code 1.
 */
export async function runScript(
  main: (args: readonly string[], signal: AbortSignal) => Promise<number>,
): Promise<void> {
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => interrupted.abort(new Error(`${name}: stopped`)));
  try {
    process.exitCode = await main(process.argv.slice(2), interrupted.signal);
  } catch (error) {
    process.stderr.write(`${messages(error).join('\n  because: ')}\n`);
    process.exitCode = 1;
  }
}

function messages(error: unknown): readonly string[] {
  if (!Error.isError(error)) return [String(error)];
  return [error.message, ...(error.cause === undefined ? [] : messages(error.cause))];
}
