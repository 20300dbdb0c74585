import { once } from 'node:events';
import { createSettings, watchSettings } from '../../../operator/runtime/settings.ts';
import { listen } from './servers.ts';
import { createService } from './service.ts';
import { readSettings } from './settings.ts';
import { unmanaged } from './unmanaged.ts';

const say = (message: string, about: object = {}): void => console.log(JSON.stringify({ message, ...about }));
const settings = readSettings(process.env);
const orElse = unmanaged(settings);
const { runtimeSettings: file } = settings;
const live =
  file === undefined
    ? createSettings(orElse)
    : await watchSettings({ file, orElse, onProblem: (problem) => say('runtime settings', { problem }) });
live.onChange(({ hash }) => say('runtime settings taken over', { hash }));
await using service = createService(settings, live);
await using servers = await listen(service, settings);
say('listening', { port: servers.port, metricsPort: servers.metricsPort });
await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
say('draining');
await servers.drain(settings.drainMs);
