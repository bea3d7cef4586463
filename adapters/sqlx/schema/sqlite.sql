create table if not exists cloakroom_sessions (
  id         text not null primary key,
  nonce      integer not null,    -- the version of the record
  expires_at integer not null,    -- milliseconds since 1970; the largest integer: never
  sweep      integer not null,    -- hours since 1970: the row may be deleted from then on
  owner      text,
  record     blob not null        -- the text form of a record; empty: a deleted session
) strict;
create index if not exists cloakroom_sessions_owner on cloakroom_sessions (owner) where owner is not null;
create index if not exists cloakroom_sessions_sweep on cloakroom_sessions (sweep);
