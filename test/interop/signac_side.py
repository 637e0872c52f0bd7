"""Real signac's part of the checks: reads one JSON request on stdin, prints one JSON answer."""

import json
import sys

import signac


def main():
    request = json.load(sys.stdin)
    project = signac.init_project(request["path"])
    answer = globals()["do_" + request["do"]](project, request)
    json.dump(answer, sys.stdout)


def do_dump(project, request):
    """Every run as text, so that the kinds of numbers survive; `check` recomputes every id."""
    project.check()
    return {
        job.id: {"statepoint": json.dumps(job.statepoint()), "document": json.dumps(job.doc())} for job in project
    }


def do_find(project, request):
    return sorted(job.id for job in project.find_jobs(request["filter"]))


def do_create(project, request):
    """The texts are parsed by Python, so that its own kinds of numbers are written."""
    ids = []
    for text, document in request["runs"]:
        job = project.open_job(json.loads(text))
        job.init()
        job.doc.update(json.loads(document))
        ids.append(job.id)
    return ids


def do_set(project, request):
    job = project.open_job(id=request["id"])
    job.doc[request["key"]] = json.loads(request["value"])
    return json.dumps(job.doc())


def do_update_cache(project, request):
    return project.update_cache()


main()
