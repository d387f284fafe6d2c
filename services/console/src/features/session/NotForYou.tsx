import { Button, Center } from "@mantine/core";
import { ShieldX } from "lucide-react";
import { useTranslation } from "react-i18next";
import { type SignedInUser, session } from "@/api/session";
import { Blank } from "@/ui/Blank";

/** The console is for administrators; others are told so, and can sign in as somebody else. */
export function NotForYou({ user }: { user: SignedInUser }) {
  const { t } = useTranslation();
  return (
    <Center component="main" h="100dvh">
      <Blank
        icon={ShieldX}
        title={t("session.notForYou")}
        text={t("session.notForYouText", { email: user.email })}
      >
        <Button variant="light" onClick={() => void session.signOut()}>
          {t("session.signOut")}
        </Button>
      </Blank>
    </Center>
  );
}
