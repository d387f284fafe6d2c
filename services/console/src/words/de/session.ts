export const session = {
  session: {
    again: "Noch einmal anmelden",
    againText: "Ihre Sitzung ist zu Ende. Alles auf der Seite darunter bleibt, wie es ist.",
    email: "E-Mail",
    emailMissing: "Geben Sie Ihre E-Mail-Adresse ein.",
    notForYou: "Die Konsole ist für Administratoren",
    notForYouText:
      "{{email}} hat nicht die Rolle eines Administrators. Bitten Sie einen darum, oder melden Sie sich anders an.",
    password: "Passwort",
    passwordMissing: "Geben Sie Ihr Passwort ein.",
    showPassword: "Passwort zeigen",
    signIn: "Anmelden",
    signOut: "Abmelden",
    text: "Videos, Fassungen, und wer was hat.",
    title: "Bei Marquee anmelden",
    unreachable: "Marquee antwortet nicht",
  },
};
