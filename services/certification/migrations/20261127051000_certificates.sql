-- Certificates from their award on: what happened to each, how it stands on every day, and what was told of it.
-- migrate:up

-- As it was last told to stand; how it stands on a day is asked of certificate_span. An extension or recertification
-- keeps the number.
CREATE TABLE certificate (
    number text PRIMARY KEY,
    serial bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    employer uuid NOT NULL,
    uscc text NOT NULL,
    employer_name text NOT NULL,
    county text NOT NULL,
    application_id uuid NOT NULL UNIQUE REFERENCES application (id),
    scheme integer NOT NULL,
    scheme_digest text NOT NULL REFERENCES scheme_version (digest),
    awarded_on date NOT NULL,
    version bigint NOT NULL,  -- of the row: the etag, and the version of events
    told_to date NOT NULL,  -- changes up to and with this day have been told
    on_day date NOT NULL,  -- from which it stands so
    state text NOT NULL CHECK (state IN ('ACTIVE', 'SUSPENDED', 'EXPIRED', 'SUPERSEDED', 'REVOKED', 'SURRENDERED')),
    why text NOT NULL,
    valid_to date NOT NULL,
    kind text NOT NULL CHECK (kind IN ('NEW', 'EXTENSION', 'RECERTIFICATION')),
    locked_until date,
    next_look_on date,  -- when a change or a reminder is next to be told
    credential text NOT NULL DEFAULT '',
    code text NOT NULL DEFAULT ''
) WITH (fillfactor = 80);
CREATE INDEX certificate_employer ON certificate (employer, serial);
CREATE INDEX certificate_county ON certificate (county, serial);
CREATE INDEX certificate_look ON certificate (next_look_on, number) WHERE next_look_on IS NOT NULL;
CREATE INDEX certificate_ended ON certificate (serial)
    WHERE state IN ('SUSPENDED', 'SUPERSEDED', 'REVOKED', 'SURRENDERED');

-- Append-only: what happened, each once by its source. Number '': it is about the employer, whatever it holds. Of what
-- is told about one thing the highest rank counts.
CREATE TABLE certificate_fact (
    employer uuid NOT NULL,
    source text NOT NULL CHECK (source <> ''),
    about text NOT NULL CHECK (about <> ''),
    rank bigint NOT NULL,
    happening text NOT NULL CHECK (happening IN ('REPORT', 'RENEWAL', 'SUSPENSION', 'ARREARS', 'VETO', 'SURRENDER',
        'SUPERSEDED')),
    recorded_on date NOT NULL,
    code text NOT NULL,
    since date,
    until date,
    granted boolean NOT NULL,
    number text NOT NULL,
    document text NOT NULL,
    actor text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (employer, source)
);

-- How it stands from each day on, by all that is known, on days to come too. Written anew from the first day that is
-- otherwise; of an employer's certificates the latest one that has begun counts.
CREATE TABLE certificate_span (
    employer uuid NOT NULL,
    uscc text NOT NULL,
    on_day date NOT NULL,
    serial bigint NOT NULL,
    number text NOT NULL,
    state text NOT NULL,
    why text NOT NULL,
    valid_to date NOT NULL,
    kind text NOT NULL,
    locked_until date,
    PRIMARY KEY (employer, on_day, serial) INCLUDE (number, state, valid_to)
);
CREATE INDEX certificate_span_uscc ON certificate_span (uscc, on_day, serial) INCLUDE (number, state, valid_to);
CREATE INDEX certificate_span_number ON certificate_span (number, on_day);

-- Append-only: every change that was told.
CREATE TABLE certificate_change (
    number text NOT NULL,
    version bigint NOT NULL,
    first_day date NOT NULL,  -- the first that is answered otherwise than before
    on_day date NOT NULL,
    state text NOT NULL,
    why text NOT NULL,
    valid_to date NOT NULL,
    kind text NOT NULL,
    locked_until date,
    cause text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (number, version)
);

CREATE TABLE certificate_reminder (
    number text NOT NULL,
    what text NOT NULL CHECK (what IN ('REPORT_OPENS', 'REPORT_OVERDUE', 'RENEWAL_OPENS')),
    due_on date NOT NULL,
    on_day date NOT NULL,
    told_on date,
    PRIMARY KEY (number, what, due_on)
);

-- A yearly report is checked once, by another than who filed it; one that is not in order makes room for another.
CREATE TABLE certificate_report (
    number text NOT NULL REFERENCES certificate (number),
    due_on date NOT NULL,
    attempt integer NOT NULL,
    as_at date NOT NULL,
    staff integer NOT NULL CHECK (staff > 0),
    women integer NOT NULL CHECK (women BETWEEN 0 AND staff),
    statement text NOT NULL,
    filed_on date NOT NULL,
    filed_by text NOT NULL CHECK (filed_by <> ''),
    in_order boolean,
    checked_on date,
    checked_by text,
    said text NOT NULL DEFAULT '',
    PRIMARY KEY (number, due_on, attempt),
    CONSTRAINT checked_by_another CHECK (checked_by <> filed_by),
    CONSTRAINT checked_by_somebody CHECK ((in_order IS NULL) = (checked_by IS NULL)),
    CONSTRAINT sent_back_with_words CHECK (in_order IS DISTINCT FROM false OR said <> '')
);
CREATE UNIQUE INDEX certificate_report_once ON certificate_report (number, due_on) WHERE in_order IS DISTINCT FROM false;
CREATE INDEX certificate_report_waits ON certificate_report (filed_on) WHERE in_order IS NULL;

-- A revocation that needs two persons, as the first has proposed it.
CREATE TABLE certificate_proposal (
    number text NOT NULL REFERENCES certificate (number),
    veto text NOT NULL,
    on_day date NOT NULL,
    document text NOT NULL CHECK (document <> ''),
    proposed_by text NOT NULL CHECK (proposed_by <> ''),
    agreed_by text,
    PRIMARY KEY (number, veto),
    CONSTRAINT agreed_by_another CHECK (agreed_by <> proposed_by)
);

CREATE TRIGGER certificate_fact_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON certificate_fact
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER certificate_change_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON certificate_change
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- migrate:down
DROP TABLE certificate_proposal;
DROP TABLE certificate_report;
DROP TABLE certificate_reminder;
DROP TABLE certificate_change;
DROP TABLE certificate_span;
DROP TABLE certificate_fact;
DROP TABLE certificate;
