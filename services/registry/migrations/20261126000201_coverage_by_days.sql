-- Registry: coverage by days, institutions, contribution bases, versions for events, and a key for each person.
-- migrate:up

-- One row is all that was known of a person at that instant: her spans of coverage as arrays beside her months, so
-- that a look-up reads one row. Rows from before say one category, which held from the beginning; they keep it in
-- `category` and `employer_id`, which new rows fill too, with the latest span, for readers not yet replaced.
ALTER TABLE coverage
    ALTER COLUMN category DROP NOT NULL,
    ADD COLUMN first_days date[] NOT NULL DEFAULT '{-infinity}',
    ADD COLUMN last_days date[] NOT NULL DEFAULT '{infinity}',
    ADD COLUMN categories text[],
    ADD COLUMN employer_ids uuid[],
    ADD COLUMN students boolean[] NOT NULL DEFAULT '{f}',
    ADD COLUMN reported_to_month integer;

ALTER TABLE employer_wage
    ADD COLUMN base_years integer[] NOT NULL DEFAULT '{}',
    ADD COLUMN base_fen bigint[] NOT NULL DEFAULT '{}';

ALTER TABLE employer ADD COLUMN version bigint NOT NULL DEFAULT 0;

-- A person whom a claim named and no office has reported has a reference and nothing else. `version` counts the
-- events that were told of her.
ALTER TABLE person
    ALTER COLUMN sealed DROP NOT NULL,
    ADD COLUMN version bigint NOT NULL DEFAULT 0,
    ADD COLUMN erased_at timestamptz;

-- A look-up needs the reference and nothing else of the row; the constraint it replaces is dropped one release later.
CREATE UNIQUE INDEX person_reference ON person (blind_index) INCLUDE (id);

-- What seals a person, sealed itself. In a table of its own: to destroy the row is to erase her, and it can be left out
-- of the backups that are kept long. A person from before has no row; she is sealed with the master key until she
-- is recorded again.
CREATE TABLE person_key (
    person_id uuid PRIMARY KEY REFERENCES person (id),
    wrapped bytea NOT NULL
);

CREATE TABLE provider (
    id uuid PRIMARY KEY,
    code text NOT NULL UNIQUE,
    name text NOT NULL,
    county text NOT NULL,
    sealed_account bytea
);

-- One row is all that was known of an institution's contracts at that instant.
CREATE TABLE provider_level (
    provider_id uuid NOT NULL REFERENCES provider (id),
    recorded_at timestamptz NOT NULL,
    first_days date[] NOT NULL,
    last_days date[] NOT NULL,
    levels text[] NOT NULL,
    PRIMARY KEY (provider_id, recorded_at)
);

ALTER TABLE audit
    ADD COLUMN principal text NOT NULL DEFAULT '',
    ADD COLUMN purpose text NOT NULL DEFAULT '';

CREATE TRIGGER provider_level_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON provider_level
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- migrate:down
ALTER TABLE audit DROP COLUMN principal, DROP COLUMN purpose;
DROP TABLE provider_level;
DROP TABLE provider;
DROP TABLE person_key;
DROP INDEX person_reference;
ALTER TABLE person DROP COLUMN version, DROP COLUMN erased_at;
ALTER TABLE employer DROP COLUMN version;
ALTER TABLE employer_wage DROP COLUMN base_years, DROP COLUMN base_fen;
ALTER TABLE coverage DROP COLUMN first_days, DROP COLUMN last_days, DROP COLUMN categories, DROP COLUMN employer_ids,
    DROP COLUMN students, DROP COLUMN reported_to_month;
