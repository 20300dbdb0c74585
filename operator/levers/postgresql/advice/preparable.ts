/** `interval $1`: a literal stood there, whose type is written before it; a parameter has it behind it. */
const typedLiteral = /\b(interval|date|time|timetz|timestamp|timestamptz)\s+(\$\d+)/gi;

/** A statement as pg_stat_statements has it, as PREPARE takes it. */
export const preparable = (sql: string): string => sql.replaceAll(typedLiteral, '$2::$1');
