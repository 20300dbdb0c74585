import winston from 'winston';

export const logLevels = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof logLevels)[number];
export const logFormats = ['json', 'text'] as const;
export type LogFormat = (typeof logFormats)[number];
export type Logger = winston.Logger;

/** Writes to stderr, one line an entry: stdout belongs to what a command answers. Secrets never get here: what carries one has no `toJSON`. */
export function createLogger({ level, format }: { readonly level: LogLevel; readonly format: LogFormat }): Logger {
  const { combine, timestamp, json, printf } = winston.format;
  const text = printf(({ timestamp: at, level: severity, message, ...fields }) => {
    const rest = Object.entries(fields).map(([name, value]) => `${name}=${asText(value)}`);
    return [at, severity.toUpperCase(), message, ...rest].join(' ');
  });
  const plain = winston.format((entry) => {
    for (const [name, value] of Object.entries(entry)) if (Error.isError(value)) entry[name] = plainError(value);
    return entry;
  });
  const logger = winston.createLogger({
    level,
    format: combine(timestamp(), format === 'json' ? combine(plain(), json()) : text),
    transports: [new winston.transports.Console({ stderrLevels: [...logLevels] })],
  });
  // winston formats an entry before it asks whether anybody wants it: a fifth of a visit went into lines that nobody read.
  if (!logger.isDebugEnabled()) logger.debug = () => logger;
  return logger;
}

function asText(value: unknown): string {
  if (Error.isError(value)) return causes(value).map(stackOf).join('\ncaused by ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

const stackOf = (error: unknown): string => (Error.isError(error) ? (error.stack ?? String(error)) : String(error));

/** JSON.stringify gives of an error just what it should not: nothing of its own, and all that a library attached (ioredis attaches the arguments of AUTH). */
const plainError = (error: Error): unknown =>
  causes(error).reduceRight<unknown>((cause, one) => {
    if (!Error.isError(one)) return String(one);
    const { name, message, stack } = one;
    const code = 'code' in one && typeof one.code === 'string' ? { code: one.code } : {};
    return { name, message, ...code, stack, ...(cause === undefined ? {} : { cause }) };
  }, undefined);

/** The error, what caused it, and so on; no more than five, since an error may be its own cause. */
function causes(error: Error): readonly unknown[] {
  const chain: unknown[] = [];
  for (
    let one: unknown = error;
    one !== undefined && chain.length < 5;
    one = Error.isError(one) ? one.cause : undefined
  )
    chain.push(one);
  return chain;
}
