import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
} from "@tanstack/react-router";
import { AssetsPage } from "@/features/assets/AssetsPage";
import { readFilters } from "@/features/assets/filters";
import { readFilters as readAuditFilters } from "@/features/audit/filters";
import { readFilters as readUserFilters } from "@/features/users/filters";
import { arriving, PageFailed, PageNotFound } from "./outcomes";
import { Shell } from "./shell/Shell";

const root = createRootRoute({
  component: Shell,
  notFoundComponent: PageNotFound,
  errorComponent: PageFailed,
});

const home = createRoute({
  getParentRoute: () => root,
  path: "/",
  validateSearch: readFilters,
  component: AssetsPage,
});

const assets = createRoute({
  getParentRoute: () => root,
  path: "/assets",
  validateSearch: readFilters,
  component: AssetsPage,
});

const asset = createRoute({
  getParentRoute: () => root,
  path: "/assets/$assetId",
  component: lazyRouteComponent(
    arriving(() => import("@/features/assets/AssetPage")),
    "AssetPage",
  ),
});

const users = createRoute({
  getParentRoute: () => root,
  path: "/users",
  validateSearch: readUserFilters,
  component: lazyRouteComponent(
    arriving(() => import("@/features/users/UsersPage")),
    "UsersPage",
  ),
});

const user = createRoute({
  getParentRoute: () => root,
  path: "/users/$userId",
  component: lazyRouteComponent(
    arriving(() => import("@/features/users/UserPage")),
    "UserPage",
  ),
});

const operations = createRoute({
  getParentRoute: () => root,
  path: "/operations",
  component: lazyRouteComponent(
    arriving(() => import("@/features/operations/OperationsPage")),
    "OperationsPage",
  ),
});

const audit = createRoute({
  getParentRoute: () => root,
  path: "/audit",
  validateSearch: readAuditFilters,
  component: lazyRouteComponent(
    arriving(() => import("@/features/audit/AuditPage")),
    "AuditPage",
  ),
});

const system = createRoute({
  getParentRoute: () => root,
  path: "/system",
  component: lazyRouteComponent(
    arriving(() => import("@/features/system/SystemPage")),
    "SystemPage",
  ),
});

export const router = createRouter({
  routeTree: root.addChildren([home, assets, asset, users, user, operations, audit, system]),
  defaultPreload: "intent",
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
