-- Applications for a certification: how each stands, what was stated, found out and decided, and who did it.
-- migrate:up

-- Append-only: every version of the scheme that something was decided under, whole.
CREATE TABLE scheme_version (
    digest text PRIMARY KEY,
    version integer NOT NULL,
    content text NOT NULL,
    stored_at timestamptz NOT NULL
);

CREATE TABLE application (
    id uuid PRIMARY KEY,
    ordinal bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    number bigint NOT NULL,  -- of its moves and savings: the etag
    employer uuid NOT NULL,
    uscc text NOT NULL,
    employer_name text NOT NULL,
    county text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('NEW', 'EXTENSION', 'RECERTIFICATION')),
    applicant text NOT NULL,
    scheme integer NOT NULL DEFAULT 0,  -- 0: not submitted yet
    scheme_digest text NOT NULL DEFAULT '',
    stated jsonb NOT NULL,
    submitted_on date,
    round integer NOT NULL DEFAULT 1,  -- of scoring: a review of the decision begins another
    proposed_by text NOT NULL DEFAULT '',
    certificate text NOT NULL DEFAULT '',
    state text NOT NULL CHECK (state IN ('DRAFT', 'SUBMITTED', 'RETURNED', 'SCREENING', 'ASSESSMENT',
        'INFORMATION_REQUESTED', 'VERIFICATION', 'REVIEW', 'PUBLIC_NOTICE', 'AWARDED', 'DECLINED', 'DECISION_REVIEW',
        'WITHDRAWN', 'LAPSED')),
    gates jsonb NOT NULL DEFAULT '{}',
    assessors text[] NOT NULL DEFAULT '{}',
    asked boolean NOT NULL DEFAULT false,
    objections integer NOT NULL DEFAULT 0 CHECK (objections >= 0),
    notice_ends_on date,
    declined_on date,
    earlier_assessors text[] NOT NULL DEFAULT '{}',
    reviewed boolean NOT NULL DEFAULT false,
    due_on date,
    days_left integer NOT NULL DEFAULT 0,
    risk integer NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pinned_when_submitted CHECK (state IN ('DRAFT', 'WITHDRAWN') OR scheme > 0),
    CONSTRAINT awarded_by_two CHECK (state <> 'AWARDED' OR cardinality(assessors) >= 2),
    CONSTRAINT awarded_without_objection CHECK (state <> 'AWARDED' OR objections = 0),
    CONSTRAINT awarded_as_a_certificate CHECK ((state = 'AWARDED') = (certificate <> '')),
    CONSTRAINT proposed_by_no_assessor CHECK (proposed_by <> ALL (assessors))
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX application_open ON application (employer)
    WHERE state NOT IN ('AWARDED', 'DECLINED', 'WITHDRAWN', 'LAPSED');
CREATE INDEX application_employer ON application (employer, ordinal);
CREATE INDEX application_county ON application (county, ordinal);
CREATE INDEX application_task ON application (due_on, risk DESC, ordinal)
    WHERE state IN ('SUBMITTED', 'SCREENING', 'ASSESSMENT', 'VERIFICATION', 'REVIEW', 'PUBLIC_NOTICE',
                    'DECISION_REVIEW');
CREATE INDEX application_with_applicant ON application (due_on) WHERE state IN ('RETURNED', 'INFORMATION_REQUESTED');

-- Append-only: every move and saving, by whom, and what was said with it.
CREATE TABLE application_event (
    application_id uuid NOT NULL,
    number bigint NOT NULL,
    move text NOT NULL,
    state text NOT NULL,
    actor text NOT NULL CHECK (actor <> ''),
    on_day date NOT NULL,
    said jsonb NOT NULL DEFAULT '{}',
    at timestamptz NOT NULL,
    PRIMARY KEY (application_id, number)
);

-- Append-only: what a look-up of a gate showed, whole, and who was asked.
CREATE TABLE application_gate (
    application_id uuid NOT NULL,
    number bigint NOT NULL,  -- of the move
    gate text NOT NULL,
    passed boolean NOT NULL,
    found jsonb NOT NULL,
    asked text NOT NULL,
    document text NOT NULL DEFAULT '',
    at timestamptz NOT NULL,
    PRIMARY KEY (application_id, gate, number)
);

-- Append-only: one sheet of one assessor a round.
CREATE TABLE application_sheet (
    application_id uuid NOT NULL,
    round integer NOT NULL,
    assessor text NOT NULL CHECK (assessor <> ''),
    number bigint NOT NULL,  -- of the move
    answers jsonb NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (application_id, round, assessor)
);

-- One request for information; its answer is written once.
CREATE TABLE information_request (
    application_id uuid PRIMARY KEY,
    question text NOT NULL CHECK (question <> ''),
    criteria text[] NOT NULL,
    asked_by text NOT NULL,
    asked_on date NOT NULL,
    answer text NOT NULL DEFAULT '',
    answered_on date,
    CONSTRAINT answered_with_words CHECK ((answered_on IS NULL) = (answer = ''))
);

-- Append-only.
CREATE TABLE site_visit (
    application_id uuid NOT NULL,
    number bigint NOT NULL,  -- of the move
    visited_on date NOT NULL,
    visitors text[] NOT NULL CHECK (cardinality(visitors) >= 2),
    findings text NOT NULL CHECK (findings <> ''),
    recorded_by text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (application_id, number)
);

-- A lead may name persons, so it is sealed.
CREATE TABLE objection (
    id uuid PRIMARY KEY,
    application_id uuid NOT NULL,
    sealed_lead bytea NOT NULL,
    filed_by text NOT NULL,
    filed_on date NOT NULL,
    upheld boolean,
    reason text NOT NULL DEFAULT '',
    settled_by text,
    settled_on date,
    CONSTRAINT settled_with_a_reason CHECK ((upheld IS NULL) = (settled_by IS NULL) AND (upheld IS NULL) = (reason = '')),
    CONSTRAINT settled_by_another CHECK (settled_by <> filed_by)
);
CREATE INDEX objection_application ON objection (application_id);

-- Append-only: each decision with all it rests on, so that it can be decided again from this row.
CREATE TABLE application_decision (
    application_id uuid NOT NULL,
    number bigint NOT NULL,  -- of the move
    move text NOT NULL,
    outcome text NOT NULL,
    facts text NOT NULL,
    decision text NOT NULL,
    scheme_digest text NOT NULL REFERENCES scheme_version (digest),
    rules_revision text NOT NULL,
    decided_by text NOT NULL CHECK (decided_by <> ''),
    assessors text[] NOT NULL,
    decided_on date NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (application_id, number),
    CONSTRAINT decided_by_no_assessor CHECK (decided_by <> ALL (assessors))
);

CREATE TRIGGER scheme_version_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON scheme_version
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER application_event_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON application_event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER application_gate_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON application_gate
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER application_sheet_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON application_sheet
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER site_visit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON site_visit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER application_decision_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON application_decision
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- migrate:down
DROP TABLE application_decision;
DROP TABLE objection;
DROP TABLE site_visit;
DROP TABLE information_request;
DROP TABLE application_sheet;
DROP TABLE application_gate;
DROP TABLE application_event;
DROP TABLE application;
DROP TABLE scheme_version;
