import { EventEmitter, once } from 'node:events';
import type { Readable, Writable } from 'node:stream';

type Params = Readonly<Record<string, unknown>>;

/** The DevTools protocol of a browser, over the two pipes of --remote-debugging-pipe: nobody else on the machine can reach it. */
export interface Devtools {
  /** @throws what the browser refuses, and when it is gone. */
  send<T = object>(method: string, params: object, sessionId?: string): Promise<T>;
  on(event: string, listener: (params: Params) => void): void;
  next(event: string): Promise<unknown>;
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Params;
  readonly result?: object;
  readonly error?: { readonly message: string };
}

/** Messages are JSON that ends with a zero byte. */
export function openDevtools(into: Writable, from: Readable): Devtools {
  const events = new EventEmitter();
  const waiting = new Map<number, PromiseWithResolvers<object | undefined>>();
  const hear = ({ id, method, params, result, error }: Message): void => {
    if (id === undefined) {
      events.emit(method ?? '', params);
      return;
    }
    const asked = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) asked?.resolve(result);
    else asked?.reject(new Error(error.message));
  };
  let rest = '';
  from.setEncoding('utf8').on('data', (chunk: string) => {
    const messages = (rest + chunk).split('\0');
    rest = messages.pop() ?? '';
    for (const message of messages) hear(JSON.parse(message) as Message);
  });
  from.once('close', () => {
    for (const { reject } of waiting.values()) reject(new Error('the browser is gone'));
  });
  into.on('error', () => undefined); // it is gone: said to whoever waits
  let last = 0;
  return {
    send<T>(method: string, params: object, sessionId?: string) {
      const asked = Promise.withResolvers<object | undefined>();
      waiting.set(++last, asked);
      into.write(
        `${JSON.stringify({ id: last, method, params, ...(sessionId === undefined ? {} : { sessionId }) })}\0`,
      );
      return asked.promise as Promise<T>;
    },
    on: (event, listener) => void events.on(event, listener),
    next: async (event) => once(events, event, { signal: AbortSignal.timeout(30_000) }),
  };
}
