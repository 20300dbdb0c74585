import { Type } from 'typebox';
import { cel, struct, text } from './schema.ts';

/** Names, ports and references to other objects; all of them in the service's own namespace. */

export const name = ({ description, maxLength = 63 }: { description: string; maxLength?: number }) =>
  text({
    description,
    maxLength,
    pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
    wanted: 'must be a name of lower-case letters, digits and dashes',
    example: 'generation-api',
  });

/** Names of whole objects may hold dots. */
export const objectName = ({ description }: { description: string }) =>
  text({
    description,
    maxLength: 253,
    pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$',
    wanted: 'must be the name of an object',
    example: 'workflow-execution',
  });

export const port = ({ description }: { description: string }) =>
  Type.Unsafe<string | number>({
    title: 'name or number',
    'x-kubernetes-int-or-string': true,
    maxLength: 63,
    description,
    rules: [
      cel("type(self) == int ? self >= 1 && self <= 65535 : string(self).matches('^[a-z0-9-]+$')", {
        wanted: 'must be a port from 1 to 65535 or its name',
        example: '8080',
        holds: (self) => (typeof self === 'number' ? 1 <= self && self <= 65_535 : /^[a-z0-9-]+$/.test(String(self))),
      }),
    ],
  });

/** An SQL identifier as PostgreSQL takes it without quotes. */
export const identifier = ({ description }: { description: string }) =>
  text({
    description,
    maxLength: 63,
    pattern: '^[A-Za-z_][A-Za-z0-9_$]*$',
    wanted: 'must be an SQL identifier',
    example: 'workflows_status_created',
  });

export const secretRef = ({ description }: { description: string }) =>
  struct({ name: objectName({ description: 'Name of the Secret, in the same namespace.' }) }, { description });
