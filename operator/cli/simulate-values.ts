import { seconds } from '../api/duration.ts';
import { UsageError } from './command.ts';

export function time(flag: string, value = ''): number {
  try {
    return seconds(value);
  } catch (error) {
    throw new UsageError(`--${flag}: ${Error.isError(error) ? error.message : ''}`, { cause: error });
  }
}

export function whole(flag: string, value = ''): number {
  if (!/^[1-9][0-9]{0,8}$/.test(value)) throw new UsageError(`saw --${flag} ${value}; wanted a whole number from 1 on`);
  return Number(value);
}
