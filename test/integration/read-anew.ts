import type { RuntimeSettings } from '../../operator/api/runtime-settings.ts';

/** As from the file: no object is the one that was there before. */
export const readAnew = (next: RuntimeSettings) => JSON.parse(JSON.stringify(next)) as RuntimeSettings;
