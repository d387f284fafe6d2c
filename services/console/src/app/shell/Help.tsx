import { Group, Kbd, Modal, Stack, Table, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { modKey } from "@/ui/keys";

const GROUPS = {
  anywhere: {
    palette: ["mod", "K"],
    search: ["/"],
    goAssets: ["g", "a"],
    goUsers: ["g", "u"],
    goOperations: ["g", "o"],
    goAudit: ["g", "t"],
    goSystem: ["g", "s"],
    undo: ["mod", "Z"],
    help: ["?"],
    close: ["Esc"],
  },
  lists: {
    next: ["J", "↓"],
    previous: ["K", "↑"],
    open: ["Enter"],
    select: ["X"],
    selectAll: ["mod", "A"],
  },
} as const;

/** Every key there is. */
export function Help({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Modal opened={opened} onClose={onClose} title={t("help.title")} size="md">
      <Stack gap="lg">
        {Object.entries(GROUPS).map(([group, keys]) => (
          <div key={group}>
            <Text fw={600} size="sm" mb={4}>
              {t(`help.${group as keyof typeof GROUPS}`)}
            </Text>
            <Table verticalSpacing={6}>
              <Table.Tbody>
                {Object.entries(keys).map(([name, pressed]) => (
                  <Table.Tr key={name}>
                    <Table.Td c="var(--muted)">{t(`help.keys.${name as KeyName}`)}</Table.Td>
                    <Table.Td>
                      <Group gap={4} justify="flex-end" wrap="nowrap">
                        {pressed.map((key: string) => (
                          <Kbd key={key}>{key === "mod" ? modKey() : key}</Kbd>
                        ))}
                      </Group>
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </div>
        ))}
      </Stack>
    </Modal>
  );
}

type KeyName = keyof (typeof GROUPS)["anywhere"] | keyof (typeof GROUPS)["lists"];
