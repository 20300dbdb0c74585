/** Tells a listener that is not ours. What it throws, or rejects with, is a warning of the process: it stops neither the next one nor the look that it was told of, which nobody would begin again. */
export function told<What>(listener: ((what: What) => unknown) | undefined, what: What): void {
  try {
    Promise.resolve(listener?.(what)).catch(warn);
  } catch (error) {
    warn(error);
  }
}

function warn(error: unknown): void {
  const seen = Error.isError(error) ? (error.stack ?? error.message) : String(error);
  process.emitWarning(`genops/runtime saw a listener throw; wanted it to return; next: catch it there\n${seen}`);
}
