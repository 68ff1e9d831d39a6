"""The words that the files of evidence are made of: keys, tags, outcomes. A secret that is one of them is never masked.

Who masked them would deface the evidence, and hide nothing: they stand in every file of every run. A test holds the
list against the files.
"""

_LISTED = """\
APPROVED DEFERRED DOCTYPE INCOMPLETE ROLLBACK action actions addresses allowed answer approvals arguments article
attestation attestations attested backup because before begins beside binding blocker breaker changing charset checks
checksum classname client colspan command commit comparator completed configured connect connections consecutive
contains content counts course critical deadline decision decisions declared descriptors details diagnostics digest
doctype document dropped duration during effect endpoints entries environment environments errors evidence execution
failed failures fields figure finish footer generatedBy generators handshake header headers healthy holding hysteresis
incident inputAttestations invocation journal kernel ladder ledger length limits margin measured measurements message
method nearer nodeid notify observation outcome outside overlaid owners passed payload payloadType pending phases
pipeline postlaunch predicate predicateType preflight production project properties property provenance quarters
rawStatus readings reason recall record recovery refused remedy remote replay report reportFormat repository request
restored result results revision revoked rollback runbook runbooks schema scratch seconds section served severity
signatures skipped slices source specVersion standing stated statement status strong subject subjects summary system
tables target testId testcase testsuite testsuites timestamp unexplained unknown unsealed unstamped upload verdict
verificationResult verifier versions waived waiver waivers wanted warning weight withdrawn workflow
"""
OWN_WORDS = frozenset(_LISTED.split())
