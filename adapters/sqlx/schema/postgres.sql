create table if not exists cloakroom_sessions (
  id         text collate "C" primary key,
  nonce      bigint not null,     -- the version of the record
  expires_at bigint not null,     -- milliseconds since 1970; the largest bigint: never
  sweep      integer not null,    -- hours since 1970: the row may be deleted from then on
  owner      text collate "C",
  record     bytea not null       -- the text form of a record; empty: a deleted session
) with (fillfactor = 85);
create index if not exists cloakroom_sessions_owner on cloakroom_sessions (owner) where owner is not null;
create index if not exists cloakroom_sessions_sweep on cloakroom_sessions (sweep);
