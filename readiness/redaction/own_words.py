"""The words that the files of evidence are made of: keys, tags, outcomes. A secret that is one of them is never masked.

Who masked them would deface the evidence, and hide nothing: they stand in every file of every run. A test holds the
list against the files.
"""

_LISTED = """\
APPROVED DEFERRED DOCTYPE INCOMPLETE ROLLBACK accepted_after accepted_before action actions addresses after_failure
allowed allowed_hosts approvals approved_by arguments aria-label aria-labelledby article as_of_said attestation
attestations attested backup because before before_itself blocker breaker broken_because broken_visits changing
charset checks checksum checksum_after classname client closed_by_target closed_seconds collecting_seconds colspan
comparator completed configured connect connections consecutive contains content counts course cpu_share_mean
cpu_share_most critical decision decisions descriptors details detected_seconds diagnostics digest doctype document
drain_seconds dropped duration during effect ended_because endpoints environment errors evidence failed failures
fields figure finish finished_at firing_before first_seen footer forward_seconds generatedBy generators handshake
header headers healthy hold_from hold_minutes hold_until holding holds_until http-equiv hysteresis in_flight incident
initial-scale instead_of invocation journal json_body kernel key_id ladder last_seen late_microseconds late_workers
launch_at ledger limits limits_digest lost_workers made_here margin measured measurements message method nearer nodeid
not_applicable notify observation one_person_for_several_roles opened_seconds outcome outside owners passed payload
payloadType payload_type pending phases postlaunch predicate predicateType predicate_type preflight production
properties property quarters queue_share rawStatus reason record recovered_seconds recovery recovery_minutes refused
refused_seconds remedy rendered_as replay replay_of report reportFormat request requested_by resolved_seconds restored
restored_checksum result results review_on revision revision_at_end revision_unknown_because rollback rows_after
rss_megabytes runbook schema schema_name scratch seconds seconds_below section served served_seconds settle_seconds
severity share_below sign_off signatures signed_at skipped slices source specVersion standing started_at statement
status steal_share strong subject summary tables taken_at target testId testcase testsuite testsuites think_seconds
throttled_seconds timestamp unexplained unknown unsealed unstamped upload users_per_second valid_until verdict
versions waived waiver waivers wanted warning weight withdrawn
"""
OWN_WORDS = frozenset(_LISTED.split())
