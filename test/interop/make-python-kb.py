"""Makes a repository with the Python package agentic-experiments, as a person would who uses it for a while.

Clock, machine label and commits are fixed, so that the same package always makes the same bytes.

    python make-python-kb.py FOLDER    leaves in FOLDER what belongs to the repository and is the same on any machine
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import aexp
import aexp.artifacts
import aexp.install
import aexp.ledger
import aexp.queue
import aexp.runs
import aexp.runs_index
from aexp.kb_validate import validate_kb
from aexp.validate import validate_repo

DAY = "2026-03-02"
NOW = f"{DAY}T10:00:00Z"
#: Belongs to one machine, or to the agent that the package serves.
LEFT_OUT = (".git", ".claude", ".mcp.json", "AGENTS.md", "CLAUDE.md", "docs")


def main():
    # Absolute, because the current folder changes below.
    target = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as folder:
        repo = Path(folder).resolve() / "repo"
        repo.mkdir()
        stop_the_clock()
        install(repo)
        # The package looks for the repository around the current folder here and there.
        os.chdir(repo)
        write_notes(repo)
        runs = make_runs(repo)
        write_findings(repo, runs)
        write_reviews(repo)
        make_legacy(repo, runs)
        aexp.runs_index.export_index(repo)
        check(repo)
        freeze(repo, target)


def stop_the_clock():
    for module in (aexp.runs, aexp.ledger, aexp.queue, aexp.runs_index):
        module.iso_utc_now = lambda: NOW
    aexp.runs.perf_counter = lambda: 0.0
    aexp.artifacts._today_iso = lambda: DAY


def install(repo):
    git(repo, "init", "--quiet", "--initial-branch=main")
    write(repo / "README.md", "# Learning rates\n")
    write(repo / ".gitignore", ".runs/\n__pycache__/\n")
    aexp.install.install_scaffold(repo, machine_label="lab")
    for name in LEFT_OUT[1:]:
        path = repo / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--message", "Install aexp")


def write_notes(repo):
    threads = [
        aexp.new_thread(title="What limits the speed of training?", repo_root=repo),
        aexp.new_thread(title="Is a larger model worth it?", repo_root=repo),
    ]
    hypotheses = [
        aexp.new_hypothesis(title="A higher learning rate converges faster", thread_id="T001", repo_root=repo),
        aexp.new_hypothesis(title="Batch size does not matter: naïve \"rule\" & all", repo_root=repo),
        aexp.new_hypothesis(title="Warm-up removes the gap", thread_id="T001", extra_links=["H001"], repo_root=repo),
    ]
    experiments = [
        aexp.new_experiment(title="Learning rate sweep", hypothesis_id="H001", repo_root=repo),
        aexp.new_experiment(title="Batch size pilot", hypothesis_id="H002", repo_root=repo),
    ]
    thread, hypothesis, experiment = (repo / notes[0].path for notes in (threads, hypotheses, experiments))

    replace(thread, "status: PROPOSED", "status: EXPLORING")
    replace(thread, "- ...\n", "- Is it the learning rate?\n- Is it the batch size, see [[H002]]?\n")
    aexp.artifacts.close_thread("T002", conclusion="Out of scope: no budget before 2027.", repo_root=repo)

    replace(hypothesis, "status: PROPOSED", "status: TESTING")
    replace(hypothesis, "_Clear, falsifiable claim._", "Tripling the learning rate halves the steps to a loss of 0.2.")
    replace(
        experiment,
        "conditions: {}",
        "\n".join(
            [
                "conditions:",
                "  baseline:",
                "    lr: 0.01",
                "    steps: 200",
                '    tags: ["a", "b"]',
                "  high:",
                "    lr: 0.03",
                "    steps: 200",
                "    schedule: {warmup: 0, decay: null}",
                "    clip: false",
            ]
        ),
    )
    replace(experiment, 'runner_command: ""', "runner_command: \"python train.py --config-json '{sp_json}'\"")
    replace(experiment, "status: DESIGNED", "status: RUNNING")
    replace(experiment, "tags: []", 'tags: []\nsub_hypotheses: ["H003"]')
    replace(experiment, "- Environment:\n", "- Environment: one GPU\n")

    write(
        repo / "kb/lessons/seed-noise.md",
        "# Seed noise\n\nFive seeds are too few to tell 1 % apart. See [[H001]].\n",
    )
    active = repo / "kb/ACTIVE.md"
    replace(active, "- Mission: [[CHALLENGE]]", "- Mission: [[CHALLENGE]]\n- Working note: [[H001]]\n- [[seed-noise]]")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--message", "Plan the sweep")


def make_runs(repo):
    runs = {}
    for seed in (0, 1, 2):
        job = aexp.create_run(
            experiment_id="E001",
            hypothesis_id="H001",
            sub_hypothesis_id="H003" if seed == 2 else None,
            experiment_path="kb/research/experiments/E001-learning-rate-sweep.md",
            statepoint={"condition": "high", "seed": seed},
            repo_root=repo,
        )
        with aexp.run_lifecycle(job, heartbeat_s=0):
            job.doc["summary_metrics"] = {"loss": 0.2 - seed / 64, "steps": 100 + seed}
        runs[f"high-{seed}"] = job
    job = aexp.create_run(
        experiment_id="E001",
        hypothesis_id="H001",
        statepoint={"condition": "baseline", "seed": 0, "steps": 300},
        repo_root=repo,
    )
    try:
        with aexp.run_lifecycle(job, heartbeat_s=0):
            raise FloatingPointError("the loss is not a number")
    except FloatingPointError:
        pass
    runs["failed"] = job
    runs["created"] = aexp.create_run(
        experiment_id="E002", statepoint={"batch": 32, "lr": 1e-5, "note": "naïve"}, include_commit=False, repo_root=repo
    )
    runs["abandoned"] = aexp.create_run(experiment_id="E002", statepoint={"batch": 64}, repo_root=repo)
    aexp.mark_status(runs["abandoned"], "abandoned")
    runs["queued"] = aexp.add_to_queue(
        experiment_id="E001", hypothesis_id="H001", statepoint={"condition": "baseline", "seed": 1}, tag="night", repo_root=repo
    )
    return runs


def write_findings(repo, runs):
    one = aexp.new_finding(
        title="0.03 reaches a loss of 0.2 in half the steps",
        hypothesis_id="H001",
        experiment_id="E001",
        impact="HIGH",
        repo_root=repo,
    )
    replace(
        repo / one.path,
        "tags: []\n",
        f'tags: []\nsupporting_runs:\n  - type: job\n    id: "{runs["high-0"].id}"\n  - {{type: job, id: {runs["high-1"].id}}}\n',
    )
    replace(repo / one.path, "_One clear statement of what the experiment established._", "Half the steps, on 3 seeds.")
    batch = aexp.new_finding(
        title="High learning rates are stable", hypothesis_id="H001", experiment_id="E001", repo_root=repo
    )
    replace(
        repo / batch.path,
        "tags: []\n",
        "tags: []\nsupporting_runs:\n  - type: batch\n    experiment_id: E001\n    selector:\n      condition: high\n      # seed: 0\n",
    )
    aexp.new_finding(
        title="Nothing can be said about batches yet", hypothesis_id="H002", experiment_id="E002", impact="LOW", repo_root=repo
    )


def write_reviews(repo):
    """The package has templates for these, and no command: people fill them in."""
    fill(
        repo,
        "literature.md",
        "kb/research/literature/L001-on-warm-up.md",
        {
            "ARTIFACT_ID": "L001",
            "TITLE": "On warm-up",
            "SOURCE_TYPE": "PAPER",
            "RELEVANCE": "HIGH",
            "SOURCE_URL": "https://example.org/paper?id=1#abstract",
            "LINKS_BLOCK": "- [[H003]]\n- [[ACTIVE]]\n- [[CHALLENGE]]",
        },
    )
    fill(
        repo,
        "challenge-review.md",
        "kb/reports/CR001-is-it-the-seeds.md",
        {
            "ARTIFACT_ID": "CR001",
            "TARGET": "F001",
            "TARGET_ID": "F001",
            "TARGET_ID_DISPLAY": "[[F001]]",
            "REQUESTED_BY": "the team",
            "REVIEWER": "Grace",
            "LINKS_BLOCK": "- [[F001]]\n- [[ACTIVE]]\n- [[CHALLENGE]]",
        },
    )
    fill(
        repo,
        "strategic-review.md",
        "kb/reports/SR001-spring.md",
        {
            "ARTIFACT_ID": "SR001",
            "SCOPE": "spring 2026",
            "CHALLENGE_REVIEW_ID": "CR001",
            "LINKS_BLOCK": "- [[CR001|the review of seeds]]\n- [[ACTIVE]]\n- [[CHALLENGE]]",
        },
    )
    aexp.add_backlink(repo / "kb/research/findings/F001-0-03-reaches-a-loss-of-0-2-in-half-the-steps.md", "CR001")
    aexp.add_backlink(repo / "kb/reports/CR001-is-it-the-seeds.md", "SR001")
    write(repo / "kb/reports/minutes-of-march.md", "# Minutes\n\nNo artifact, and no check looks at it.\n")


def make_legacy(repo, runs):
    """What versions before 0.5 left behind, and this one still reads."""
    link = dict(runs["failed"].doc["aexp"])
    runs["failed"].doc["limina"] = link
    del runs["failed"].doc["aexp"]

    note = repo / "kb/research/hypotheses/H003-warm-up-removes-the-gap.md"
    for line in ("id: \"H003\"\n", "status: PROPOSED\n", f'created: "{DAY}"\n', f'last_updated: "{DAY}"\n'):
        replace(note, line, "")
    replace(note, "> **Status**: PROPOSED | TESTING | CONFIRMED | REJECTED", "> **Status**: TESTING")

    note = repo / "kb/research/experiments/E002-batch-size-pilot.md"
    replace(note, 'hypothesis: "H002"\n', "")
    replace(note, 'completed: ""\n', "completed: N/A\n")


def check(repo):
    """The package itself has nothing to object to, but for a status that only its queue knows."""
    result = validate_kb(repo / "kb")
    assert result.ok, result.errors
    issues = [issue for issue in validate_repo(repo) if "status='queued'" not in issue.message]
    assert not issues, issues


def freeze(repo, target):
    marker = repo / ".aexp/installed.json"
    content = json.loads(marker.read_text())
    content["python_exe"] = "python"
    content["conda_env_name"] = ""
    content["installed_at"] = f"{DAY}T10:00:00+00:00"
    write(marker, json.dumps(content, indent=2) + "\n")
    # Under its own name it would hide half of the copy from git.
    (repo / ".gitignore").rename(repo / "gitignore")
    for path in repo.rglob(".gitkeep"):
        path.unlink()
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(repo, target, ignore=lambda folder, names: [".git"] if Path(folder) == repo else [])
    texts = "".join(path.read_text() for path in target.rglob("*") if path.is_file())
    assert str(repo) not in texts and sys.prefix not in texts and str(Path.home()) not in texts


def fill(repo, template, path, values):
    text = (repo / "templates" / template).read_text()
    for key, value in {"DATE": DAY, **values}.items():
        text = text.replace("{" + key + "}", value)
    write(repo / path, text)


def replace(path, old, new):
    text = path.read_text()
    assert old in text, f"{path.name} has no {old!r}"
    write(path, text.replace(old, new, 1))


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, newline="\n")


def git(repo, *args):
    when = {f"GIT_{who}_DATE": f"{DAY}T09:00:00+0000" for who in ("AUTHOR", "COMMITTER")}
    subprocess.run(
        ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false",
         "-c", "core.hooksPath=/dev/null", *args],
        cwd=repo,
        check=True,
        env={**os.environ, **when, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
    )  # fmt: skip


main()
