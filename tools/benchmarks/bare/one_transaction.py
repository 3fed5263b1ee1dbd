"""The least that a ping could be: one ordinary transaction, which reads one document and sets all of it again."""

from functools import cache
from typing import Any

import functions_framework
from flask import Request
from google.cloud import firestore


@cache
def _client() -> firestore.Client:
    return firestore.Client()


@firestore.transactional
def _transact(transaction: Any, document: Any) -> None:
    transaction.set(document, document.get(transaction=transaction).to_dict())


@functions_framework.http
def one_transaction(request: Request) -> str:
    """Answers with nothing. The path is the document's."""
    _transact(_client().transaction(), _client().document(request.path.strip("/")))
    return ""
