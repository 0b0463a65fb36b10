"""The twins of the console: what does over the API, and at the command line, what a person does on each page.

`make reference` writes docs/twins.md from here; tests/unit/web/console/test_twins.py holds it against the three tables
that are served. Whoever adds a page or a button adds its line here, with both twins, or says why there can be none.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.architecture.tree import ROOT

PAGE = ROOT / "docs/twins.md"

FORM = "a form for a line below"
BROWSER = "a step of signing in, for a browser alone"
SELF = (
    "how somebody signs in is changed by himself alone, in a browser that has just shown who he is; "
    "an admin has `account link` and `account reset-second-factor`"
)
NO_HEIR = "a token makes no other token"
EYES = "only how this browser shows it"


@dataclass(frozen=True, slots=True)
class Twin:
    """One thing that a person sees or does in the console."""

    route: str
    """Its name; `signin*` stands for all names that begin so."""
    words: str
    api: str = ""
    """Operations, parted by blanks."""
    cli: str = ""
    """Commands with what options make them the twin, parted by semicolons."""
    do: str = ""
    """Of a form with several buttons: the values of `do` that mean this, parted by blanks."""
    why: str = ""
    """Why there is no twin; of both, or of the one that is missing."""


SEEN = (
    Twin("signin*", "the pages to sign in", why=BROWSER),
    Twin("signout", "whether to sign out", why=FORM),
    Twin("home", "the way to the first page", why=EYES),
    Twin("pending", "what waits, and one's saved searches", "listPending countPending listSearches", "pending list; searches list"),
    Twin("pending-machine", "newsletters and machines whose mail waits", "listPendingSources", "sources list"),
    Twin("order", "how far an order is", "getOrder listOrders", "orders show; orders list"),
    Twin("order-state", "the same, renewed while one looks", "getOrder", "orders show"),
    Twin("message", "what is known of a mail", "getMessage", "pending show"),
    Twin("message-preview", "the same, beside the list", "getMessage", "pending show"),
    Twin("message-html", "its HTML, cleaned", "readMessageHtml", "pending html"),
    Twin("message-frame", "the same, in its frame", "readMessageHtml", "pending html"),
    Twin("message-files", "its files", "readMessage", "pending read"),
    Twin("message-file", "one file", "getMessagePart", "pending part"),
    Twin("message-headers", "its header fields", "readMessage", "pending read --headers"),
    Twin("message-source", "its source", "readMessageSource", "pending show --content"),
    Twin("message-download", "the mail as it came", "downloadMessage", "pending show --content"),
    Twin("message-forward", "to whom a copy may go", why=FORM),
    Twin("lists", "entries, and which one wins", "listEntries judgeSender", "lists show; lists judge"),
    Twin("list-new", "what a new entry asks for", why=FORM),
    Twin("list-entry", "one entry", "getEntry", "lists show"),
    Twin("list-bring", "where a file is chosen", why=FORM),
    Twin("list-draft", "what a file would do", "getImport", "lists import --dry-run"),
    Twin("list-work", "how far a file is saved", "getImportWork", "lists import"),
    Twin("list-work-state", "the same, renewed while one looks", "getImportWork", "lists import"),
    Twin("list-export", "entries as CSV", "exportEntries", "lists export"),
    Twin("policies", "for whom there are policies", "listPolicies", "policy list"),
    Twin("policy", "what holds in a scope", "getPolicy", "policy show"),
    Twin("policy-preview", "what a change would do", "previewPolicy", "policy set --dry-run"),
    Twin("policy-waiting", "how far what waits was moved", "getPolicyWaiting", "policy waiting"),
    Twin("policy-waiting-state", "the same, renewed while one looks", "getPolicyWaiting", "policy waiting"),
    Twin("expecting", "who expects mail", "listWindows", "expect list"),
    Twin("digests", "for whom there are digests", "listDigests", "digest list; digest stuck"),
    Twin("digest", "when digests go, and what was sent", "getDigests", "digest show"),
    Twin("texts", "the words in force", "listTemplates", "templates list"),
    Twin("texts-scope", "the words of a scope", "getTemplate", "templates show"),
    Twin("overview", "how things stand", "getOverview", "overview"),
    Twin("domains", "our domains", "listDomains", "domains"),
    Twin("outgoing", "what is stuck on its way out", "listOutgoing", "outgoing list"),
    Twin("webhook", "how the webhook stands", "getWebhook", "webhook show"),
    Twin("requests", "who asks for the release of a mail", "listReleaseRequests", "requests list"),
    Twin("request", "one request", "getReleaseRequest", "requests show"),
    Twin("history", "what became of each mail", "listHistory", "history list"),
    Twin("log", "who did what", "listJournal", "log list"),
    Twin("log-export", "the same as CSV", "listJournal", "log export"),
    Twin("accounts", "accounts", "listAccounts", "account list"),
    Twin("account-of", "one account, and where it is signed in", "getAccount listAccountSessions",
         "account show; account sessions"),
    Twin("account-remove", "whether to remove an account", why=FORM),
    Twin("account", "one's own account", "getOwnAccount listOwnSessions", "account show; account sessions"),
    Twin("account-tokens", "one's tokens", "listTokens", "token list"),
    Twin("account-proof", "a question who one is", why=BROWSER),
    Twin("account-password", "where a password is chosen", why=FORM),
    Twin("account-app", "the code for an authenticator app", why=SELF),
    Twin("account-passkeys", "where a passkey is made", why=SELF),
)  # fmt: skip
"""By GET."""

DONE = (
    Twin("signin*", "sign in", why=BROWSER),
    Twin("signout", "sign out", why=BROWSER),
    Twin("pending", "deliver mail once", "orderPending", "pending deliver; orders give", "deliver"),
    Twin("pending", "deliver mail, and allow its sender", "orderPending", "pending authorize; orders give",
         "authorize authorize.domain authorize.source"),
    Twin("pending", "drop mail, and block its sender", "orderPending", "pending blacklist; orders give",
         "blacklist blacklist.domain blacklist.source"),
    Twin("pending", "drop mail", "orderPending", "pending delete; orders give", "delete"),
    Twin("pending-machine", "accept a newsletter or a machine", "settlePendingSource", "sources accept", "accept"),
    Twin("pending-machine", "refuse one", "settlePendingSource", "sources refuse", "refuse"),
    Twin("order", "undo or stop an order", "undoOrder", "orders undo"),
    Twin("saved-search", "keep or drop a search", "saveSearch removeSearch", "searches save; searches remove"),
    Twin("message-ask-again", "ask a sender once more", "askAgain", "pending ask-again; challenges ask-again"),
    Twin("message-forward", "send a copy on for inspection", "forwardMessage", "pending forward"),
    Twin("message-ask-release", "ask the people in charge for a mail", "askForRelease", "requests ask"),
    Twin("request-release", "let the mail of a request go", "grantReleaseRequest", "requests release"),
    Twin("request-refuse", "do not let it go", "refuseReleaseRequest", "requests refuse"),
    Twin("request-inspect", "have a copy of it sent to oneself", "inspectReleaseRequest", "requests inspect"),
    Twin("list-new", "add an entry", "addEntry", "lists add"),
    Twin("list-new", "count what waits from there", "listPending", "pending list", "count"),
    Twin("list-entry", "change an entry's note and end", "changeEntry", "lists change"),
    Twin("list-remove", "remove an entry", "removeEntry", "lists remove"),
    Twin("list-remove-some", "remove entries together", "removeEntries", "lists remove --id"),
    Twin("list-undo", "put back what was removed", "undoRemoval", "lists undo"),
    Twin("list-bring", "bring a file", "importEntries", "lists import --dry-run"),
    Twin("list-draft", "save what a file brings", "saveImport", "lists import"),
    Twin("list-work", "stop saving a file", "stopImport", why="the command is ended by Ctrl-C, and what was saved stays"),
    Twin("policy", "choose what holds", "changePolicy",
         "policy set --apply-to-waiting; policy unset; policy lock; policy unlock"),
    Twin("policy-waiting", "stop moving what waits", "stopPolicyWaiting", "policy stop"),
    Twin("expecting", "expect mail", "openWindow", "expect start"),
    Twin("expecting-stop", "expect no more", "stopWindow", "expect stop"),
    Twin("digest", "choose when digests go", "changeDigests", "digest set"),
    Twin("digest-send", "send a digest now", "sendDigest", "digest send"),
    Twin("texts-scope", "change the words", "setTemplate", "templates set; templates edit", "save"),
    Twin("texts-scope", "check the words", "previewTemplate", "templates set --dry-run", "check"),
    Twin("texts-scope", "send a sample", "sendTemplateSample", "templates sample", "test"),
    Twin("texts-preview", "see the words filled in", "previewTemplate", "templates preview"),
    Twin("texts-reset", "go back to the words from further up", "resetTemplate", "templates reset"),
    Twin("texts-seen", "note that changed shipped words were looked at", "keepTemplate", "templates keep"),
    Twin("outgoing-mail", "try a mail again now", "retryOutgoing", "outgoing retry", "retry"),
    Twin("outgoing-mail", "delete a mail that does not go out", "deleteOutgoing", "outgoing drop", "delete"),
    Twin("outgoing-challenge", "try a challenge again now", "retryChallenge", "outgoing retry-challenge"),
    Twin("webhook", "send a test event to the webhook", "testWebhook", "webhook test", "test"),
    Twin("webhook", "send what waits for the webhook now", "retryWebhook", "webhook retry", "retry"),
    Twin("accounts", "make an account", "addAccount", "account add"),
    Twin("account-of", "change what an account may do", "setAccountRole", "account set-role", "role"),
    Twin("account-of", "shut it out, or let it in", "setAccountState", "account disable; account enable",
         "disable enable"),
    Twin("account-of", "give it an address", "giveAddress", "account give", "give"),
    Twin("account-of", "take an address away", "takeAddress", "account take", "take"),
    Twin("account-of", "sign it out, everywhere or in one browser", "endAccountSessions endAccountSession",
         "account sessions --end --end-one", "sign-out"),
    Twin("account-of", "take its second factor away", "resetSecondFactor", "account reset-second-factor",
         "reset-factor"),
    Twin("account-link", "make a link to hand over", "makeSignInLink", "account link"),
    Twin("account-remove", "remove an account", "removeAccount", "account remove"),
    Twin("account-look", "see a user's pages as he does", "listPending getPolicy",
         "pending list --for; policy show"),
    Twin("accounts-leave", "see one's own pages again", why=EYES),
    Twin("account", "choose name, time zone, language", "changeOwnAccount", "account set-person"),
    Twin("account-session-end", "sign out one browser", "endOwnSession", "account sessions --end-one"),
    Twin("account-sessions-end", "sign out everywhere", "endOwnSessions", "account sessions --end"),
    Twin("account-tokens", "make a token", cli="token make", why=NO_HEIR),
    Twin("account-token-revoke", "end a token", "revokeToken", "token revoke"),
    Twin("account-proof", "show who one is", why=BROWSER),
    Twin("account-password", "choose a password", why=SELF),
    Twin("account-app", "set an authenticator app up", why=SELF),
    Twin("account-app-remove", "drop it", why=SELF),
    Twin("account-recovery", "make new recovery codes", why=SELF),
    Twin("account-passkeys", "add a passkey", why=SELF),
    Twin("account-passkey-remove", "drop a passkey", why=SELF),
)  # fmt: skip
"""By POST."""

FOLDERS = {
    "pending": ("pending/parts.html", "message"),
    "pending-machine": ("pending/machine.html",),
    "list-new": ("lists/new.html",),
    "outgoing-mail": ("overview/outgoing.html",),
    "texts-scope": ("texts/edit.html",),
    "webhook": ("webhook/webhook.html",),
    "account-of": ("accounts/account.html",),
}
"""Routes with several buttons → where these are, below templates/web/console."""

HEAD = """\
# Twins

Everything that the console does, the [API](api.md) and the [command line](commands.md) do too, on the same services. What only
a browser can do says why.

*Written by `make reference` from `tests/architecture/twins.py`, and held against the routes, the operations and the commands by a test.*
"""
_TITLES = "| in the console | operation of the API | command | why not |\n|---|---|---|---|\n"


def page() -> str:
    """Return docs/twins.md."""
    return f"{HEAD}\n## Seen\n\n{_TITLES}{_lines(SEEN)}\n## Done\n\n{_TITLES}{_lines(DONE)}"


def commands(twin: Twin) -> list[list[str]]:
    """Return the words of each command that is named, options behind."""
    return [one.split() for one in twin.cli.split(";") if one.strip()]


def _lines(twins: tuple[Twin, ...]) -> str:
    return "".join(
        f"| {twin.words} | {_code(twin.api.split())} | {_code([' '.join(one) for one in commands(twin)])} | {twin.why} |\n"
        for twin in twins
    )


def _code(names: list[str]) -> str:
    return " · ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
