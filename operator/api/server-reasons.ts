import type { ReasonText } from './lever-reasons.ts';

/** Of a lever that tunes a server. */
export const server = {
  Conflict: {
    status: 'False',
    means: 'An older GenerationService tunes the same server; the older one keeps it. The message names it.',
    next: 'Remove the server from one of the two.',
  },
  PendingRestart: {
    status: 'True',
    means:
      'Everything that can change at run time is in force; the parameters in the message wait for a restart of the server.',
    next: 'Restart the server when it suits; genops never does.',
  },
  Unreachable: {
    status: 'False',
    means: 'The server does not answer; its settings are unknown.',
    next: 'Check the address in the Secret, network policies and the server.',
  },
  SecretNotFound: {
    status: 'False',
    means: 'The Secret or one of its keys is missing.',
    next: 'Create the Secret with the keys that the message names.',
  },
  SecretInvalid: {
    status: 'False',
    means: 'A key of the Secret cannot be read as what it should be.',
    next: 'Correct the key that the message names.',
  },
  AuthenticationFailed: {
    status: 'False',
    means: 'The server refuses user name or password.',
    next: 'Put the right credentials into the Secret.',
  },
  ConfigRejected: {
    status: 'False',
    means: 'The server refused a value and said why.',
    next: 'Correct the value that the message names.',
  },
  OutOfBounds: {
    status: 'False',
    means: 'A value would endanger the server (memory, start-up) and was not sent.',
    next: 'Lower the value or enlarge the server, as the message says.',
  },
  OwnerBehind: {
    status: 'False',
    means:
      'The object of the server’s own operator (clusterRef) has the declared parameters, and the server does not have them yet.',
    next: 'Wait; where it lasts, look at that object and its operator.',
  },
  OwnerNotFound: {
    status: 'False',
    means: 'There is no such object as clusterRef names.',
    next: 'Correct it, or remove it where no other operator sets the server.',
  },
  ReportOnly: {
    status: 'True',
    means: 'The server can be read but not changed here; the differences are in the message.',
    next: 'Grant the change, or set the values where the server is managed.',
  },
} as const satisfies Record<string, ReasonText>;

/** Of a Redis, beside those of every lever and every server. */
export const redis = {
  SeveralServers: {
    status: 'False',
    means:
      'The address leads to several servers in turn (a Service in front of two Pods): what is set on one is not in force on the others. Nothing is changed meanwhile; it counts as one server again when the same has answered for ten minutes.',
    next: 'Put the address of a single server into the Secret, and name each other one in an entry of its own.',
  },
  NodesPending: {
    status: 'Unknown',
    means:
      'A node that its Sentinel, cluster or primary announces does not answer: what it has is unknown. All others are tuned, and it is as soon as it answers.',
    next: 'Nothing where it starts; else correct the address that it announces, or take one that is gone out of the topology.',
  },
  MasterUnknown: {
    status: 'False',
    means:
      'The Secret leads to a Sentinel and sentinelMasterName names none of its primaries, or it leads to no Sentinel though sentinelMasterName is set.',
    next: 'Correct spec.redis[].sentinelMasterName or the Secret; the message has the names that the Sentinel knows.',
  },
  ProtectedMode: {
    status: 'False',
    means: 'The server is in protected mode and answers only its own machine.',
    next: 'Give the server a password and put it into the Secret.',
  },
  Loading: {
    status: 'False',
    means: 'The server loads its data.',
    next: 'Wait: it is asked again.',
  },
  Busy: {
    status: 'False',
    means: 'The server runs a script that takes long.',
    next: 'Wait: it is asked again. SCRIPT KILL or FUNCTION KILL ends one that does not end by itself.',
  },
  NoConnectionLeft: {
    status: 'False',
    means: 'The server has as many clients as it may have (maxclients).',
    next: 'Close idle clients, or raise maxclients.',
  },
  SavingFails: {
    status: 'True',
    means:
      'All settings are in force, but the server could not save its data the last time, and refuses every write for it (MISCONF) where stop-writes-on-bgsave-error is yes.',
    next: 'See to the disk, the folder and the memory of the server: its log says what was missing.',
  },
  ConfigDisabled: {
    status: 'False',
    means: 'The server does not let its settings be read (CONFIG is renamed, refused or switched off).',
    next: 'Grant CONFIG GET, or set the values where the server is managed and set redis.mode: Off.',
  },
  NonExpiringKeys: {
    status: 'False',
    means:
      'Keys without expiry exist, and allkeys-* eviction could delete them: a queue may live there. The eviction policy was left alone.',
    next: 'Use a volatile-* policy, give the keys an expiry, or set redis.evictionGuard: Off.',
  },
  EvictionBehind: {
    status: 'True',
    means:
      'The settings are in force; the server has more in use than its limit for five seconds and longer (before 7.0: 5 % more): keys go more slowly than others come, or none may go.',
    next: 'Raise redis.maxMemory, declare an eviction policy that finds keys, or a higher maxmemory-eviction-tenacity.',
  },
  Fragmented: {
    status: 'True',
    means:
      'The settings are in force; the server takes at least one and a half times of what it has in use from the machine (said from 100 MB on, until it is less than 1.3 times).',
    next: 'Set activedefrag: "yes" where the server takes it, or restart it when it suits.',
  },
  NearlyFull: {
    status: 'True',
    means:
      'The settings are in force; more than 90 % of maxmemory are in use (said until it is less than 85 %), and the eviction policy (noeviction, or volatile-* and too few keys with an expiry) can throw too little of it out: at the limit every write fails.',
    next: 'Raise redis.maxMemory, delete data, or declare an eviction policy that can make room.',
  },
  NothingToEvict: {
    status: 'False',
    means:
      'maxMemory is below what is in use, and the eviction policy can throw too little of it out: every write would fail. Or the server lives of its evictions (more than 90 % of maxmemory are in use), and with the declared policy soon every write would. What the message names was left alone.',
    next: 'Raise redis.maxMemory, delete data, declare an eviction policy that can make room, or, for a policy that can make none, set redis.evictionGuard: Off.',
  },
  Lowering: {
    status: 'False',
    means:
      'maxMemory is below what is in use: the limit comes down by 5 % of that at each visit, as long as no write is refused and the hit ratio comes as foreseen. After a step with another traffic than before (half or twice the look-ups) it waits until that step can be judged.',
  },
  BigKey: {
    status: 'False',
    means:
      'On its way down a limit could throw out a key of more than 5 % of all that is to go, as a whole and unforeseen: it stays where it is.',
    next: 'Split or delete the key, declare what is in use or more, or set redis.evictionGuard: Off where it may go.',
  },
  LoweringStopped: {
    status: 'False',
    means:
      'On its way down a limit made writes fail, or the hit ratio five points worse than foreseen: it stays where it is.',
    next: 'Declare what is in force or more, or another value, with which it begins anew.',
  },
} as const satisfies Record<string, ReasonText>;

/** Of a PostgreSQL, beside those of every lever and every server. */
export const postgres = {
  Busy: {
    status: 'False',
    means: 'The server starts, ends or has no connection left.',
    next: 'Wait: it is asked again.',
  },
  AlterSystemOff: {
    status: 'False',
    means: 'The server does not let its parameters be set with ALTER SYSTEM: somebody else owns its configuration.',
    next: 'Set the values where the server is managed and postgres.mode: DryRun, or allow_alter_system = on.',
  },
  OverlaidByRole: {
    status: 'True',
    means:
      'The server has the declared values, but sessions of the role or database in the message get others (ALTER ROLE … SET). Unknown, where it is the role of the operator itself, which then cannot see the server’s own.',
    next: 'Take the other value away (ALTER ROLE … RESET), or leave it where it is meant.',
  },
  NewSessionsOnly: {
    status: 'True',
    means:
      'Parameters are set on the database of the Secret alone (ALTER DATABASE), since the role may not set them on the server: sessions take them as they begin, those that run keep what they have.',
    next: 'Wait until the pools have replaced their connections, or grant ALTER SYSTEM for the whole server.',
  },
  SetOnCommandLine: {
    status: 'False',
    means: 'A parameter is set on the server’s command line, which wins over everything.',
    next: 'Change the container’s arguments.',
  },
  PoolerInBetween: {
    status: 'False',
    means: 'The Secret leads to a pooler; nothing is asked or changed through it.',
    next: 'Name a Secret with the address of the server itself.',
  },
  IndexBuilding: {
    status: 'False',
    means: 'An index is being built, or waits for its turn or for older transactions, which the message names.',
    next: 'Wait, or end the transaction that the message names.',
  },
  IndexDiffers: {
    status: 'False',
    means:
      'Something that is not the declared index has its name: another index, or a table. It is not touched, and nothing is built.',
    next: 'Give the declared index another name, or rename or drop what is there.',
  },
  DiskFull: {
    status: 'False',
    means:
      'The volume of the server, as the object of its own operator has it, has less room left than the table takes that an index is declared for: its build is not begun.',
    next: 'Enlarge the volume, or delete what is not needed.',
  },
  TableMissing: {
    status: 'False',
    means: 'An index is declared for a table that is not there, and postgres.onMissingTable is Wait.',
    next: 'Wait for the migration that makes it, correct the name, or set onMissingTable: Skip.',
  },
} as const satisfies Record<string, ReasonText>;
