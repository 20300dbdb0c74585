const units = [
  { ms: 86_400_000, name: 'd' },
  { ms: 3_600_000, name: 'h' },
  { ms: 60_000, name: 'm' },
] as const;

/** `45s`, `12m`, `3h`, `2d`: of two units or more the larger. */
export function ageText(ms: number): string {
  const unit = units.find((one) => ms >= 2 * one.ms);
  return unit === undefined ? `${Math.max(0, Math.round(ms / 1_000))}s` : `${Math.floor(ms / unit.ms)}${unit.name}`;
}

/** @param time RFC 3339. @param now ms since the epoch. */
export const ago = (time: string | null | undefined, now: number): string =>
  time === null || time === undefined ? 'time not recorded' : `${ageText(now - Date.parse(time))} ago`;
