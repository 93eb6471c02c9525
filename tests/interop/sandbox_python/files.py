"""Files, and the resources of sessions."""

from support import (
    BETA, beta, check, conflict, eventually, fresh, ids, invalid, missing, pages_like,
    refuses_pages, send, settled, text,
)

files = beta.files
resources = beta.sessions.resources
FILE = {"type": "file", "file_id": "file_01"}


def of_session(session):
    return list(files.list(scope_id=session.id, betas=BETA))


@check
def uploads_and_deletes_files():
    kept = files.upload(file=("report.md", b"# Report\n", "text/markdown"), expires_in_seconds=3600)
    assert (kept.filename, kept.mime_type, kept.size_bytes) == ("report.md", "text/markdown", 9)
    assert kept.downloadable is False and kept.expires_at > kept.created_at
    assert files.retrieve_metadata(kept.id) == kept
    invalid(lambda: files.download(kept.id), "file_not_downloadable")
    gone = files.delete(kept.id)
    assert gone.id == kept.id and gone.type == "file_deleted"
    missing(lambda: files.retrieve_metadata(kept.id))
    missing(lambda: files.download(kept.id))
    missing(lambda: files.delete(kept.id))
    for seconds in (3599, 7776001):
        invalid(lambda: files.upload(file=b"x", expires_in_seconds=seconds))


@check
def lists_files():
    whole = ids(files.list(limit=1000))
    assert {"file_01", "file_02"} <= set(whole)
    pages_like(files.list, whole)
    refuses_pages(files.list, 1000)
    assert ids(files.list(ids=["file_02", "file_x"])) == ["file_02"]
    invalid(lambda: files.list(ids=["file_02"], limit=1))
    invalid(lambda: files.list(scope_id="sesn_01"))


@check
def shows_what_a_turn_made_until_the_session_is_deleted():
    session = fresh()
    send(session.id, text("/write notes.txt Three lines."))
    settled(session.id)
    made = eventually(lambda: of_session(session))[0]
    assert made.scope.id == session.id and made.downloadable and made.filename == "notes.txt"
    assert files.retrieve_metadata(made.id, betas=BETA) == made
    assert files.download(made.id, betas=BETA).read() == b"Three lines."
    invalid(lambda: files.download(made.id))
    assert made.id not in ids(files.list(limit=1000))
    beta.sessions.delete(session.id)
    missing(lambda: files.download(made.id, betas=BETA))
    assert of_session(session) == []


@check
def mounts_copies_of_files():
    session = fresh(resources=[FILE])
    mounted = resources.list(session.id).data[0]
    assert mounted.mount_path == "/mnt/session/uploads/file_01"
    copy = of_session(session)[0]
    assert copy.id != "file_01" and copy.filename == files.retrieve_metadata("file_01").filename
    invalid(lambda: files.delete(copy.id, betas=BETA))
    gone = resources.delete(mounted.id, session_id=session.id)
    assert gone.id == mounted.id and gone.type == "session_resource_deleted"
    assert of_session(session) == [] and files.retrieve_metadata("file_01")
    missing(lambda: resources.delete(mounted.id, session_id=session.id))


@check
def changes_resources_of_a_session():
    repository = {
        "type": "github_repository", "url": "https://github.com/example/shop",
        "authorization_token": "ghp_secret", "checkout": {"type": "branch", "name": "main"},
        "mount_path": "/workspace/shop",
    }
    store = {"type": "memory_store", "memory_store_id": "memstore_02", "access": "read_only"}
    session = fresh(resources=[repository, store])
    added = resources.add(session.id, type="file", file_id="file_02", mount_path="/data/guide.md")
    listed = list(resources.list(session.id))
    assert [r.type for r in listed] == ["github_repository", "memory_store", "file"]
    first = resources.list(session.id, limit=2)
    assert [r.id for r in resources.list(session.id, limit=2, page=first.next_page).data] == [added.id]
    assert resources.retrieve(added.id, session_id=session.id) == added
    shop = listed[0]
    rotated = resources.update(shop.id, session_id=session.id, authorization_token="ghp_other")
    assert rotated.updated_at > shop.updated_at and "ghp" not in rotated.to_json()
    assert "ghp" not in beta.sessions.retrieve(session.id).to_json()

    invalid(lambda: resources.update(added.id, session_id=session.id, authorization_token="x"))
    invalid(lambda: resources.update(shop.id, session_id=session.id, authorization_token=""))
    invalid(lambda: resources.add(session.id, type="file", file_id="file_01", mount_path="here"))
    invalid(lambda: resources.add(session.id, type="volume", file_id="file_01"))
    invalid(lambda: resources.add(session.id, type="memory_store", file_id="file_01"))
    missing(lambda: resources.add(session.id, type="file", file_id="file_x"))
    refuses_pages(lambda **page: resources.list(session.id, **page), 1000)
    for wrong in ("sesn_01", "sesn_x"):
        missing(lambda: resources.retrieve(added.id, session_id=wrong))
        missing(lambda: resources.delete(added.id, session_id=wrong))
        missing(lambda: resources.update(shop.id, session_id=wrong, authorization_token="x"))
    missing(lambda: resources.list("sesn_x"))
    missing(lambda: resources.add("sesn_x", type="file", file_id="file_01"))

    beta.sessions.archive(session.id)
    conflict(lambda: resources.add(session.id, type="file", file_id="file_01"))
    conflict(lambda: resources.update(shop.id, session_id=session.id, authorization_token="x"))
    conflict(lambda: resources.delete(added.id, session_id=session.id))
