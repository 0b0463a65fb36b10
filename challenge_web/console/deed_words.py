"""What people did, in words: for the log, whose lines bear the names of routes."""

from __future__ import annotations

from collections.abc import Sequence

from challenge_web.console.forms import number_of
from gateway.domain.phrase import phrase
from gateway.flow.journal import Deed
from gateway.flow.order_ports import Order

DEEDS: dict[str, str] = {
    "pending": phrase("moved mail that waits"),
    "pending-machine": phrase("decided about a source"),
    "order": phrase("took an order back"),
    "saved-search": phrase("kept or dropped a search"),
    "message-ask-again": phrase("asked a sender once more"),
    "message-forward": phrase("sent a copy on for inspection"),
    "message-ask-release": phrase("asked for the release of a mail"),
    "request-release": phrase("let a mail go on request"),
    "request-refuse": phrase("refused a request of release"),
    "request-inspect": phrase("had a copy sent to oneself"),
    "list-new": phrase("added to a list"),
    "list-entry": phrase("changed a list entry"),
    "list-remove": phrase("removed a list entry"),
    "list-remove-some": phrase("removed list entries"),
    "list-undo": phrase("put list entries back"),
    "list-bring": phrase("brought a file of entries"),
    "list-draft": phrase("saved a file of entries"),
    "list-work": phrase("stopped saving a file of entries"),
    "policy": phrase("changed a policy"),
    "policy-waiting": phrase("stopped moving mail to new days"),
    "expecting": phrase("began to expect mail"),
    "expecting-stop": phrase("stopped expecting mail"),
    "digest": phrase("chose when digests go"),
    "digest-send": phrase("had a digest sent"),
    "texts-scope": phrase("changed or tried the words of challenges or notices"),
    "texts-reset": phrase("went back to earlier words of challenges or notices"),
    "texts-seen": phrase("noted that shipped words have changed"),
    "outgoing-mail": phrase("tried or deleted a stuck mail"),
    "outgoing-challenge": phrase("tried a stuck challenge again"),
    "webhook": phrase("tried the webhook"),
    "history-erase": phrase("erased the data of an address"),
    "accounts": phrase("made an account"),
    "account-of": phrase("changed an account"),
    "account-link": phrase("made a link to sign in"),
    "account-remove": phrase("removed an account"),
    "account-look": phrase("looked at a user's pages"),
    "accounts-leave": phrase("left a user's pages"),
    "account": phrase("changed the own account"),
    "account-session-end": phrase("signed one browser out"),
    "account-sessions-end": phrase("signed out everywhere"),
    "account-tokens": phrase("made a token"),
    "account-token-revoke": phrase("ended a token"),
    "account-proof": phrase("showed who one is"),
    "account-password": phrase("chose a password"),
    "account-app": phrase("set up an authenticator app"),
    "account-app-remove": phrase("removed the authenticator app"),
    "account-recovery": phrase("made recovery codes"),
    "account-passkeys": phrase("added a passkey"),
    "account-passkey-remove": phrase("removed a passkey"),
    "signout": phrase("signed out"),
}
"""Name of the route that was posted to → what that was."""
_BY_API = {
    "orderPending": "pending",
    "settlePendingSource": "pending-machine",
    "undoOrder": "order",
    "saveSearch": "saved-search",
    "removeSearch": "saved-search",
    "askAgain": "message-ask-again",
    "forwardMessage": "message-forward",
    "askForRelease": "message-ask-release",
    "grantReleaseRequest": "request-release",
    "refuseReleaseRequest": "request-refuse",
    "inspectReleaseRequest": "request-inspect",
    "addEntry": "list-new",
    "changeEntry": "list-entry",
    "removeEntry": "list-remove",
    "removeEntries": "list-remove-some",
    "undoRemoval": "list-undo",
    "importEntries": "list-bring",
    "saveImport": "list-draft",
    "stopImport": "list-work",
    "changePolicy": "policy",
    "stopPolicyWaiting": "policy-waiting",
    "openWindow": "expecting",
    "stopWindow": "expecting-stop",
    "changeDigests": "digest",
    "sendDigest": "digest-send",
    "setTemplate": "texts-scope",
    "sendTemplateSample": "texts-scope",
    "resetTemplate": "texts-reset",
    "keepTemplate": "texts-seen",
    "retryOutgoing": "outgoing-mail",
    "deleteOutgoing": "outgoing-mail",
    "retryChallenge": "outgoing-challenge",
    "testWebhook": "webhook",
    "retryWebhook": "webhook",
    "addAccount": "accounts",
    "setAccountRole": "account-of",
    "setAccountState": "account-of",
    "giveAddress": "account-of",
    "takeAddress": "account-of",
    "endAccountSessions": "account-of",
    "endAccountSession": "account-of",
    "resetSecondFactor": "account-of",
    "makeSignInLink": "account-link",
    "removeAccount": "account-remove",
    "changeOwnAccount": "account",
    "endOwnSession": "account-session-end",
    "endOwnSessions": "account-sessions-end",
    "revokeToken": "account-token-revoke",
}
"""What a program did by the API bears the name of the operation → the route that does the same."""
_LOOKED = {"api seeMessage": phrase("noted that a mail was looked at")}
"""What a page does without a button."""

_PLACES = {
    "message-ask-again": "message",
    "message-forward": "message",
    "message-ask-release": "message",
    "outgoing-mail": "message",
    "request-release": "requests",
    "request-refuse": "requests",
    "request-inspect": "requests",
    "account-of": "accounts",
    "account-link": "accounts",
    "account-look": "accounts",
}


_NAMED = 20
"""How many of the mails that an order moves a line names; the history of each mail has them all."""


def order_deed(order: Order, ids: Sequence[int]) -> str:
    """Say for the journal what an order does. ids: of its mails; none where they were searched for."""
    named = f"{len(ids)} ({' '.join(map(str, ids[:_NAMED]))})" if ids else "all that match"
    return f"{order.action.value}: {named}, order {order.id}"


def words_of(deed: Deed) -> str:
    """Return what was done, in words; "" where there are none."""
    return DEEDS.get(_route_of(deed), "") or _LOOKED.get(deed.deed, "")


def place_of(deed: Deed) -> str:
    """Return the page of what a deed was done to, below the application's root; "" where there is none."""
    place = _PLACES.get(_route_of(deed), "")
    return f"console/{place}/{deed.object}" if place and number_of(deed.object) else ""


def _route_of(deed: Deed) -> str:
    operation = deed.deed.removeprefix("api ")
    return deed.deed if operation == deed.deed else _BY_API.get(operation, "")
