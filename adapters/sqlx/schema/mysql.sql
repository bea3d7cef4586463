create table if not exists cloakroom_sessions (
  id         char(22) character set ascii collate ascii_bin not null primary key,
  nonce      bigint not null,     -- the version of the record
  expires_at bigint not null,     -- milliseconds since 1970; the largest bigint: never
  sweep      integer not null,    -- hours since 1970: the row may be deleted from then on
  owner      varbinary(255),
  record     mediumblob not null, -- the text form of a record; empty: a deleted session
  index cloakroom_sessions_owner (owner),
  index cloakroom_sessions_sweep (sweep)
) engine = InnoDB;
