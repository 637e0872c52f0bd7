"""The Python package's part of the checks: reads one JSON request on stdin, prints one JSON answer."""

import json
import os
import sys
from pathlib import Path

from aexp import kb_io
from aexp.artifacts import new_experiment, new_finding, new_hypothesis
from aexp.kb_validate import validate_kb
from aexp.ledger import list_ledger_job_ids, load_ledger_entry
from aexp.queue import resolve_sp
from aexp.validate import validate_repo


def main():
    request = json.load(sys.stdin)
    root = Path(request["root"])
    os.chdir(root)
    answer = globals()["do_" + request["do"]](root, request)
    json.dump(answer, sys.stdout, default=str)


def do_validate(root, request):
    """What is wrong with the notes, then with the whole repository."""
    notes = [f"{error['check']}: {error['message']}" for error in validate_kb(root / "kb").errors]
    repo = [f"{issue.severity} {issue.code}: {issue.message}" for issue in validate_repo(root)]
    return {"notes": notes, "repo": repo}


def do_load(root, request):
    """Every note, as the package reads it."""
    return {
        ref.id: {"kind": ref.kind, "path": ref.path, "title": ref.title, "metadata": ref.metadata}
        for ref in kb_io.list_kb_artifacts(root / "kb")
    }


def do_resolve(root, request):
    """The parameters that a condition of an experiment gives."""
    return resolve_sp(request["experiment"], {"condition": request["condition"]}, kb_root=root / "kb")


def do_ledger(root, request):
    return {job_id: load_ledger_entry(root, job_id) for job_id in sorted(list_ledger_job_ids(root))}


def do_extend(root, request):
    """A chain below a thread that aexp made."""
    hypothesis = new_hypothesis(title="Made in Python", thread_id=request["thread"], repo_root=root)
    experiment = new_experiment(title="Made in Python", hypothesis_id=hypothesis.artifact_id, repo_root=root)
    finding = new_finding(
        title="Made in Python",
        hypothesis_id=hypothesis.artifact_id,
        experiment_id=experiment.artifact_id,
        repo_root=root,
    )
    return [hypothesis.artifact_id, experiment.artifact_id, finding.artifact_id]


main()
