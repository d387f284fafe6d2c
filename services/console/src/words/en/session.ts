export const session = {
  session: {
    again: "Sign in again",
    againText: "Your session has ended. Everything on the page beneath stays as it is.",
    email: "Email",
    emailMissing: "Enter your email address.",
    notForYou: "The console is for administrators",
    notForYouText: "{{email}} has no administrator's role. Ask one for it, or sign in as another.",
    password: "Password",
    passwordMissing: "Enter your password.",
    showPassword: "Show the password",
    signIn: "Sign in",
    signOut: "Sign out",
    text: "Videos, renditions, and who has what.",
    title: "Sign in to Marquee",
    unreachable: "Marquee does not answer",
  },
};
