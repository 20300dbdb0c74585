import winston from 'winston';

export const logLevels = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof logLevels)[number];
export const logFormats = ['json', 'text'] as const;
export type LogFormat = (typeof logFormats)[number];
export type Logger = winston.Logger;

/** Writes to stderr, one line an entry: stdout belongs to what a command answers. Secrets never get here: what carries one has no `toJSON`. */
export function createLogger({ level, format }: { readonly level: LogLevel; readonly format: LogFormat }): Logger {
  const { combine, timestamp, json, printf, errors } = winston.format;
  const text = printf(({ timestamp: at, level: severity, message, stack, ...fields }) => {
    const rest = Object.entries(fields).map(
      ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
    );
    return [at, severity.toUpperCase(), message, ...rest, ...(typeof stack === 'string' ? [`\n${stack}`] : [])].join(
      ' ',
    );
  });
  return winston.createLogger({
    level,
    format: combine(errors({ stack: true }), timestamp(), format === 'json' ? json() : text),
    transports: [new winston.transports.Console({ stderrLevels: [...logLevels] })],
  });
}
