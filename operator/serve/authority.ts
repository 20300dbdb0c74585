import { createHash } from 'node:crypto';
import type { Kube } from '../kube/client.ts';
import { createRemembered, type Remembered } from './remembered.ts';

/** Whom the cluster takes somebody for. */
export interface User {
  readonly username: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** What somebody wants to do. */
export type Access =
  | {
      readonly verb: 'get' | 'list';
      /** Undefined: in all of them. */
      readonly namespace?: string | undefined;
      readonly name?: string | undefined;
    }
  /** A path that is no resource: /metrics. */
  | { readonly verb: 'get'; readonly path: string };

/** Asks the cluster who somebody is and what they may do. Answers are kept for a moment, so what is revoked ends within that. */
export interface Authority {
  /** Undefined: the cluster does not know the token, or it is for somebody else. @throws {ApiError}, {@link Busy} */
  authenticate(token: string, signal: AbortSignal): Promise<User | undefined>;
  /** @throws {ApiError}, {@link Busy} */
  isAllowed(user: User, access: Access, signal: AbortSignal): Promise<boolean>;
}

export interface AuthorityOptions {
  readonly kube: Pick<Kube, 'raw'>;
  /** Whom a token has to be for; undefined: the API server itself. */
  readonly audience: string | undefined;
  /** How long an answer is kept; default 10 s. */
  readonly keptMs?: number;
  /** Reviews under way at the same time; default 32. */
  readonly mostReviews?: number;
}

/** Too many reviews are under way: whoever asks has to wait. */
export class Busy extends Error {
  override readonly name = 'Busy';
}

/** The right that lets somebody read views, and nothing else of a service. */
const viewsResource = { group: 'genops.dev', resource: 'generationservices', subresource: 'views' } as const;

interface TokenReview {
  readonly status?: {
    readonly authenticated?: boolean;
    readonly user?: User;
    readonly audiences?: readonly string[];
  };
}

export function createAuthority({ kube, audience, keptMs = 10_000, mostReviews = 32 }: AuthorityOptions): Authority {
  const users: Remembered<User | undefined> = createRemembered({ keptMs, most: 1_000 });
  const verdicts: Remembered<boolean> = createRemembered({ keptMs, most: 5_000 });
  let underWay = 0;
  const review = async (path: string, kind: string, spec: object, signal: AbortSignal): Promise<unknown> => {
    if (underWay >= mostReviews) throw new Busy(`${underWay} reviews are under way`);
    underWay++;
    try {
      const apiVersion = path.split('/').slice(2, 4).join('/');
      return await kube.raw(
        { path, method: 'POST', verb: 'create', target: kind, body: { apiVersion, kind, spec } },
        signal,
      );
    } finally {
      underWay--;
    }
  };
  return {
    authenticate: (token, signal) =>
      users.of(createHash('sha256').update(token).digest('base64'), async () => {
        const spec = { token, ...(audience === undefined ? {} : { audiences: [audience] }) };
        const path = '/apis/authentication.k8s.io/v1/tokenreviews';
        return userOf((await review(path, 'TokenReview', spec, signal)) as TokenReview, audience);
      }),
    isAllowed: (user, access, signal) =>
      verdicts.of(JSON.stringify([user, access]), async () => {
        const { username, uid, groups, extra } = user;
        const spec = { user: username, uid, groups, extra, ...attributesOf(access) };
        const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
        const answer = (await review(path, 'SubjectAccessReview', spec, signal)) as {
          readonly status?: { readonly allowed?: boolean; readonly denied?: boolean };
        };
        return answer.status?.allowed === true && answer.status.denied !== true;
      }),
  };
}

/** An authenticator that knows no audiences answers with none: its tokens are for the API server, not for whom we asked. */
function userOf({ status }: TokenReview, audience: string | undefined): User | undefined {
  if (status?.authenticated !== true || status.user === undefined || status.user.username === '') return undefined;
  return audience === undefined || status.audiences?.includes(audience) === true ? status.user : undefined;
}

function attributesOf(access: Access): object {
  if ('path' in access) return { nonResourceAttributes: { path: access.path, verb: access.verb } };
  const { verb, namespace, name } = access;
  return { resourceAttributes: { ...viewsResource, verb, namespace, name } };
}
