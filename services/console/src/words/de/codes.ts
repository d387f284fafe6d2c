import type { Told } from "../en/codes";

/** What each code of the API is called, and what it means to a person. */
export const codes: Readonly<Record<string, Told>> = {
  already_reverted: {
    title: "Schon zurückgenommen",
    detail: "Das wurde schon zurückgenommen.",
  },
  api_key_not_found: {
    title: "API-Schlüssel nicht gefunden",
    detail: "Diesen API-Schlüssel gibt es nicht.",
  },
  archive_damaged: {
    title: "Das Archiv ist beschädigt",
    detail: "Das Archiv ist nicht mehr, was geschrieben wurde.",
  },
  archive_not_found: {
    title: "Archiv nicht gefunden",
    detail: "Dieses Archiv gibt es nicht.",
  },
  asset_assigned: {
    title: "Das Asset ist zugewiesen",
    detail: "Jemand hat dieses Asset. Nehmen Sie es zuerst zurück.",
  },
  asset_not_completed: {
    title: "Das Asset ist nicht bereit",
    detail: "Nur ein fertig konvertiertes Asset lässt sich zuweisen.",
  },
  asset_not_found: {
    title: "Asset nicht gefunden",
    detail: "Dieses Asset gibt es nicht, oder es wurde gelöscht.",
  },
  assignment_not_found: {
    title: "Zuweisung nicht gefunden",
    detail: "Diese Zuweisung gibt es nicht.",
  },
  beyond_length: {
    title: "Der Upload ist zu lang",
    detail: "Es kamen mehr Daten an, als angekündigt waren.",
  },
  body_too_large: {
    title: "Zu viele Daten",
    detail: "Das ist mehr, als der Server auf einmal nimmt.",
  },
  broken_off: {
    title: "Die Übertragung ist abgerissen",
    detail: "Die Übertragung kam nicht bis zum Ende. Versuchen Sie es noch einmal.",
  },
  bulk_abandoned: {
    title: "Der Versuch wurde aufgegeben",
    detail: "Es dauerte zu lange; es wurde nichts zugewiesen.",
  },
  bulk_refused: {
    title: "Es wurde nichts zugewiesen",
    detail: "Mindestens eine Person kann das Asset nicht bekommen, darum bekam es niemand.",
  },
  cancelled: {
    title: "Abgebrochen",
    detail: "Die Konvertierung wurde abgebrochen.",
  },
  cannot_disable_yourself: {
    title: "Sie können sich nicht selbst sperren",
    detail: "Bitten Sie jemand anderen mit der Rolle eines Administrators darum.",
  },
  changed_since: {
    title: "Inzwischen geändert",
    detail: "Alle Betroffenen haben inzwischen etwas anderes bekommen und behalten es.",
  },
  checkpoint_forged: {
    title: "Kein Siegel von hier",
    detail: "Dieses Siegel gehört nicht zu diesem Protokoll.",
  },
  checksum_mismatch: {
    title: "Prüfsumme falsch",
    detail: "Unterwegs wurden Daten verändert. Versuchen Sie es noch einmal.",
  },
  csrf_token_missing: {
    title: "Nicht erlaubt",
    detail: "Die Seite konnte sich nicht ausweisen. Laden Sie sie neu.",
  },
  email_taken: {
    title: "E-Mail-Adresse vergeben",
    detail: "Diese E-Mail-Adresse hat schon jemand.",
  },
  empty_upload: {
    title: "Die Datei ist leer",
    detail: "Die Datei hat keinen Inhalt.",
  },
  encrypted: {
    title: "Die Datei lässt sich nicht konvertieren",
    detail: "Die Datei ist verschlüsselt.",
  },
  entry_archived: {
    title: "Der Eintrag ist archiviert",
    detail: "Dieser Eintrag liegt im Archiv.",
  },
  entry_not_found: {
    title: "Eintrag nicht gefunden",
    detail: "Diesen Eintrag gibt es nicht.",
  },
  expired_url: {
    title: "Abgelaufene Adresse",
    detail: "Diese Adresse gilt nicht mehr. Laden Sie die Seite neu.",
  },
  expiry_in_the_past: {
    title: "Das Ablaufdatum ist vorbei",
    detail: "Wählen Sie ein Ablaufdatum in der Zukunft.",
  },
  ffmpeg_failed: {
    title: "Die Konvertierung ist fehlgeschlagen",
    detail: "ffmpeg hat die Konvertierung mit einem Fehler beendet.",
  },
  forbidden: {
    title: "Nicht erlaubt",
    detail: "Das dürfen nur Administratoren.",
  },
  foreign_origin: {
    title: "Nicht erlaubt",
    detail: "Diese Seite darf hier nicht in Ihrem Namen handeln.",
  },
  forged_url: {
    title: "Ungültige Adresse",
    detail: "Diese Adresse wurde nicht von Marquee ausgestellt. Laden Sie die Seite neu.",
  },
  handshake_refused: {
    title: "Keine Live-Verbindung",
    detail: "Die Live-Verbindung wurde abgelehnt.",
  },
  hold_not_found: {
    title: "Aufbewahrung nicht gefunden",
    detail: "Diese Aufbewahrung gibt es nicht.",
  },
  hold_released: {
    title: "Schon aufgehoben",
    detail: "Diese Aufbewahrung wurde schon aufgehoben.",
  },
  idempotency_answer_unreadable: {
    title: "Die Antwort ist nicht mehr lesbar",
    detail: "Es wurde ausgeführt; die Antwort darauf ist nicht mehr lesbar.",
  },
  idempotency_key_in_use: {
    title: "Dieselbe Anfrage läuft schon",
    detail: "Warten Sie einen Moment; sie wird gerade ausgeführt.",
  },
  idempotency_key_reused: {
    title: "Der Schlüssel gehört zu einer anderen Anfrage",
    detail: "Laden Sie die Seite neu, und versuchen Sie es noch einmal.",
  },
  illegal_transition: {
    title: "In diesem Zustand nicht möglich",
    detail: "Die Konvertierung ist inzwischen weiter. Sehen Sie nach ihrem Status.",
  },
  internal_error: {
    title: "Etwas ist schiefgegangen",
    detail: "Der Fehler liegt bei uns und ist aufgezeichnet. Melden Sie ihn mit der Trace-ID.",
  },
  interrupted: {
    title: "Unterbrochen",
    detail: "Der Server wurde unterbrochen; es wurde nichts zugewiesen.",
  },
  invalid_credentials: {
    title: "Nicht angemeldet",
    detail: "Die E-Mail-Adresse oder das Passwort ist falsch.",
  },
  invalid_header: {
    title: "Ein Kopffeld ist ungültig",
    detail: "Der Server versteht ein Kopffeld der Anfrage nicht.",
  },
  invalid_input: {
    title: "Die Eingabe ist ungültig",
    detail: "Der Server versteht die Eingabe nicht.",
  },
  invalid_token: {
    title: "Bitte anmelden",
    detail: "Ihre Sitzung ist zu Ende. Melden Sie sich noch einmal an.",
  },
  last_administrator: {
    title: "Die letzte Person mit dieser Rolle",
    detail: "Geben Sie zuerst jemand anderem die Rolle eines Administrators.",
  },
  log_not_found: {
    title: "Kein Protokoll der Konvertierung",
    detail: "Zu dieser Konvertierung gibt es kein Protokoll.",
  },
  lost_elsewhere: {
    title: "Das Protokoll weicht woanders ab",
    detail: "An dieser Stelle weicht das Protokoll nicht ab.",
  },
  media_not_found: {
    title: "Datei nicht gefunden",
    detail: "Diese Fassung ist nicht mehr gespeichert.",
  },
  method_not_allowed: {
    title: "Nicht möglich",
    detail: "Das geht an dieser Adresse nicht.",
  },
  no_output: {
    title: "Die Konvertierung ist fehlgeschlagen",
    detail: "ffmpeg hat keine Datei geschrieben.",
  },
  no_video: {
    title: "Die Datei lässt sich nicht konvertieren",
    detail: "In der Datei ist keine Videospur, die sich lesen lässt.",
  },
  not_failed: {
    title: "Nichts zu wiederholen",
    detail: "Dieser Vorgang ist keine fehlgeschlagene Sammelzuweisung.",
  },
  not_found: {
    title: "Nicht gefunden",
    detail: "Unter dieser Adresse ist nichts.",
  },
  not_iso_media: {
    title: "Die Datei lässt sich nicht konvertieren",
    detail: "Die Datei ist kein MP4- oder QuickTime-Video.",
  },
  not_revertible: {
    title: "Nicht zurückzunehmen",
    detail: "Dieser Vorgang hat nichts zugewiesen, das sich zurücknehmen ließe.",
  },
  nothing_lost: {
    title: "Es fehlt nichts",
    detail: "Das Protokoll setzt alles fort, was unterschrieben wurde.",
  },
  nothing_to_undo: {
    title: "Nichts rückgängig zu machen",
    detail: "Hier ist nichts mehr rückgängig zu machen.",
  },
  offset_mismatch: {
    title: "Der Upload ist an einer anderen Stelle",
    detail: "Der Server erwartet die Fortsetzung an einer anderen Stelle.",
  },
  operation_not_found: {
    title: "Vorgang nicht gefunden",
    detail: "Diesen Vorgang gibt es nicht.",
  },
  operator_tenant: {
    title: "Der Mandant des Betreibers",
    detail: "Der Mandant des Betreibers lässt sich nicht sperren.",
  },
  parked_not_found: {
    title: "Nachricht nicht gefunden",
    detail: "Diese Nachricht liegt nicht mehr beiseite.",
  },
  parts_lost: {
    title: "Der Upload ist verloren",
    detail: "Teile des Uploads gingen auf dem Server verloren. Beginnen Sie ihn neu.",
  },
  problem_not_found: {
    title: "Nicht gefunden",
    detail: "Diesen Fehler gibt es nicht.",
  },
  range_not_satisfiable: {
    title: "Außerhalb der Datei",
    detail: "So lang ist die Datei nicht.",
  },
  request_timeout: {
    title: "Zu langsam",
    detail: "Die Anfrage kam nicht rechtzeitig ganz an. Versuchen Sie es noch einmal.",
  },
  restoration_under_way: {
    title: "Das Asset wurde gerade wiederhergestellt",
    detail: "Versuchen Sie es gleich noch einmal.",
  },
  storage_unavailable: {
    title: "Der Speicher antwortet nicht",
    detail: "Der Speicher für die Dateien war nicht erreichbar.",
  },
  tenant_exists: {
    title: "Den Mandanten gibt es schon",
    detail: "Wählen Sie einen anderen Namen.",
  },
  tenant_not_found: {
    title: "Mandant nicht gefunden",
    detail: "Diesen Mandanten gibt es nicht.",
  },
  timeout: {
    title: "Die Konvertierung dauerte zu lange",
    detail: "Die Konvertierung dauerte zu lange.",
  },
  too_large: {
    title: "Die Datei ist zu groß",
    detail: "Die Datei ist größer, als der Server annimmt.",
  },
  too_many_parts: {
    title: "Zu viele Stücke",
    detail: "Der Upload kam in zu vielen kleinen Stücken.",
  },
  too_many_pixels: {
    title: "Die Datei lässt sich nicht konvertieren",
    detail: "Das Bild ist größer als 36 Megapixel.",
  },
  too_many_requests: {
    title: "Zu viele Anfragen",
    detail: "Das war zu oft in kurzer Zeit. Warten Sie einen Moment.",
  },
  too_many_sockets: {
    title: "Zu viele Live-Verbindungen",
    detail: "Schließen Sie einige Fenster der Konsole.",
  },
  too_many_uploads: {
    title: "Zu viele Uploads auf einmal",
    detail: "Warten Sie, bis einige fertig sind, oder brechen Sie welche ab.",
  },
  trail_broken: {
    title: "Das Protokoll wurde verändert",
    detail: "Das Protokoll ist nicht mehr, was geschrieben wurde.",
  },
  truncated: {
    title: "Die Datei lässt sich nicht konvertieren",
    detail: "Die Datei ist unvollständig.",
  },
  unauthenticated: {
    title: "Bitte anmelden",
    detail: "Ihre Sitzung ist zu Ende. Melden Sie sich noch einmal an.",
  },
  unavailable: {
    title: "Vorübergehend nicht verfügbar",
    detail: "Ein Teil des Servers antwortet nicht. Versuchen Sie es gleich noch einmal.",
  },
  unconvertible: {
    title: "Die Datei lässt sich nicht konvertieren",
    detail: "Kein Versuch wird diese Datei je konvertieren.",
  },
  undecodable: {
    title: "Die Datei lässt sich nicht konvertieren",
    detail: "Kein Bild des Videos lässt sich lesen.",
  },
  undo_window_expired: {
    title: "Die Frist ist vorbei",
    detail: "Rückgängig machen geht nicht mehr. Nehmen Sie es stattdessen zurück.",
  },
  undo_window_open: {
    title: "Die Frist läuft noch",
    detail: "Das lässt sich noch rückgängig machen. Tun Sie das, statt es zurückzunehmen.",
  },
  unreadable: {
    title: "Die Datei lässt sich nicht konvertieren",
    detail: "Die Datei ließ sich nicht untersuchen.",
  },
  unsupported_media_type: {
    title: "Unbekannte Art von Daten",
    detail: "Diese Art von Daten nimmt der Server hier nicht.",
  },
  unsupported_tus_version: {
    title: "Unbekannte Version von tus",
    detail: "Der Server spricht eine andere Version von tus.",
  },
  upload_gone: {
    title: "Der Upload ist beendet",
    detail: "Dieser Upload wurde beendet oder ist abgelaufen. Beginnen Sie ihn neu.",
  },
  upload_not_found: {
    title: "Upload nicht gefunden",
    detail: "Diesen Upload gibt es auf dem Server nicht mehr. Beginnen Sie ihn neu.",
  },
  upload_stalled: {
    title: "Das Hochladen ist stehen geblieben",
    detail: "Zu lange kam nichts an. Versuchen Sie es noch einmal.",
  },
  user_disabled: {
    title: "Die Person ist gesperrt",
    detail: "Diese Person ist gesperrt und kann nichts bekommen.",
  },
  user_not_found: {
    title: "Person nicht gefunden",
    detail: "Diese Person gibt es nicht.",
  },
};
