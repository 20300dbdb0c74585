import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import { ApiError } from '../kube/api-error.ts';
import type { Kube } from '../kube/client.ts';
import { failure, send, type Answer } from '../serve/answer.ts';
import { consolePage } from '../serve/console/pages.ts';
import { listen, type Listening } from '../serve/listen.ts';
import { routeOf } from '../serve/view-routes.ts';
import { askOperator, type Credentials, type OperatorService } from './operator-views.ts';

export interface ConsoleProxyOptions {
  readonly kube: Pick<Kube, 'raw'>;
  readonly operator: OperatorService;
  readonly credentials: Credentials;
}

export interface ConsoleProxy extends AsyncDisposable {
  /** Ends in a path that nobody can guess: whoever has it reads what the user may read. */
  readonly url: string;
  /** Leads to `url`, once: the arguments of a browser are seen by everybody on the machine. */
  readonly urlOnce: string;
}

/**
 * Serves the console to this machine's user, and passes what it asks on to the operator with the user's credentials, by the API server.
 * Listens on 127.0.0.1 only. Other users and other web sites do not know the path, and no name but its address is answered to.
 */
export async function serveConsoleProxy(options: ConsoleProxyOptions): Promise<ConsoleProxy> {
  const secret = randomBytes(24).toString('base64url');
  let once: string | undefined = randomBytes(24).toString('base64url');
  const answer = async (request: IncomingMessage): Promise<Answer> => {
    const { method, url = '/' } = request;
    if (request.headers.host !== host()) return failure(403, 'Forbidden', `saw another name than ${host()}`);
    if (method !== 'GET') return failure(405, 'MethodNotAllowed', 'the console is read only');
    if (once !== undefined && url === `/${once}/`) {
      once = undefined;
      return { status: 303, body: '', headers: { location: `/${secret}/`, 'referrer-policy': 'no-referrer' } };
    }
    if (!url.startsWith(`/${secret}/`)) return failure(404, 'NotFound', 'nothing is served here');
    return answerConsole(url.slice(secret.length + 1), options);
  };
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, (request, response) => {
    void answer(request).then(
      (ready) => send(response, ready),
      (error: unknown) =>
        send(response, failure(502, 'BadGateway', Error.isError(error) ? error.message : String(error))),
    );
  });
  const listening: Listening = await listen(server, '127.0.0.1:0');
  const host = (): string => `127.0.0.1:${listening.port}`;
  return {
    url: `http://${host()}/${secret}/`,
    urlOnce: `http://${host()}/${once}/`,
    [Symbol.asyncDispose]: () => listening[Symbol.asyncDispose](),
  };
}

/** Pages are this program's own; of the operator nothing can be asked but views. */
async function answerConsole(path: string, { kube, operator, credentials }: ConsoleProxyOptions): Promise<Answer> {
  const url = URL.parse(path, 'http://console');
  if (url === null || path.startsWith('//')) return failure(400, 'BadRequest', 'saw a path that is none');
  const page = consolePage(url.pathname);
  if (page !== undefined) return page;
  const { kind } = routeOf(url);
  if (kind !== 'fleet' && kind !== 'view') return failure(404, 'NotFound', 'nothing is served here');
  const signal = AbortSignal.timeout(10_000);
  try {
    const asked = { path: `${url.pathname}${url.search}`, authorization: await credentials(signal) };
    return { status: 200, body: (await askOperator(kube, operator, asked, signal)) as object };
  } catch (error) {
    if (error instanceof ApiError) return failure(error.status === 0 ? 502 : error.status, error.reason, error.message);
    throw error;
  }
}
