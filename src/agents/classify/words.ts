/** The specialties that have words. `general` has none: it is what remains. */
export const Specialties = ['backend', 'devops', 'frontend', 'testing'] as const;
export type KnownSpecialty = (typeof Specialties)[number];

/** How much a word says: 3 names the specialty almost by itself, 1 only adds to others. */
export const WordWeights = [3, 2, 1] as const;
type WordWeight = (typeof WordWeights)[number];

/**
 * The words by which an issue tells what it is about. In the singular; case, plurals and hyphens do not matter, and a
 * phrase counts instead of the words in it. A word with an everyday meaning (page, worker, colour) weighs 1; one that
 * two specialties use alike (table, row, field) is in no list.
 */
export const words: Readonly<Record<KnownSpecialty, Readonly<Record<WordWeight, string>>>> = {
  backend: {
    3: `backend, back end, server side, endpoint, rest api, http api, web api, api endpoint, api route, api server,
      api request, api response, openapi, swagger, graphql, grpc, protobuf, resolver, crud, sql, postgres, postgresql,
      mysql, mariadb, sqlite, mongodb, redis, elasticsearch, dynamodb, orm, sqlalchemy, prisma, hibernate, database, db,
      database migration, schema migration, stored procedure, foreign key, n 1 query, sql query, slow query,
      sequential scan, full text search, tsvector, explain analyze, sql injection, deadlock, row lock, isolation level,
      upsert, unique constraint, unique index, on conflict, on delete cascade, select for update, integrityerror,
      orphaned row, connection pool, webhook, jwt, oauth, oidc, saml, sso, csrf, bearer token, access token,
      refresh token, middleware, microservice, message queue, job queue, background job, dead letter, kafka, rabbitmq,
      celery, sidekiq, rate limit, rate limiting, rate limited, idempotency, idempotent, soft delete, password hash,
      argon2, bcrypt, race condition, data race, nullpointerexception, request handler, authorization bypass,
      password reset`,
    2: `http method, http status, server, query, transaction, migration, backfill, controller, auth, authentication,
      authorization, cors, pagination, cache invalidation, stale data, cached response, concurrent request, websocket,
      status code, internal server error, memory leak, goroutine, thread pool, serializer, tenant, replica, sharding,
      failover, file upload, smtp, django, rails, fastapi, flask, spring boot, express js, audit log, permission check,
      scheduled task, scheduled job, rds, redirect uri, callback url, session lifetime, session timeout, session expire,
      ttl, batch insert, bulk insert, insert, ilike`,
    1: `api, request, response, schema, service, queue, worker, relation, cache, handler, timeout, time out, login,
      token, session, email, e mail, notification, retry, back off, stream, cursor, concurrent, concurrency, validation,
      join, deadline, hash, curl, payload, http, permission, pool, lock, sent twice, account, null, membership, persist,
      duplicate, at the same time, simultaneously, username, filter, sign up, subscription`,
  },
  devops: {
    3: `devops, ci, ci cd, continuous integration, github action, github workflow, gitlab ci, jenkins, circleci, travis,
      azure pipeline, docker, dockerfile, docker compose, docker image, podman, container image, container registry,
      base image, image tag, multi stage, kubernetes, k8s, kubectl, kustomize, helm, helm chart, argocd, gitops,
      terraform, ansible, pulumi, cloudformation, infrastructure, infra, nginx, traefik, haproxy, ingress, reverse proxy,
      load balancer, systemd, unit file, prometheus, grafana, service monitor, servicemonitor, liveness probe,
      readiness probe, startup probe, startupprobe, prestop, oomkilled, diskpressure, ghcr, cosign, release workflow,
      release pipeline, release job, release process, build pipeline, build server, build matrix, deploy workflow,
      workflow run, workflow file, workflow permission, ci pipeline, ci job, nightly build, semantic release, goreleaser,
      trusted publishing, rollout, blue green, staging, dependabot, renovate, security group, deploy, deployment,
      autoscaling, autoscaler, sidecar, cert manager, let s encrypt, logrotate, emptydir, pvc, storage class,
      storageclass, node pool, network policy, pre commit hook`,
    2: `pod, cluster, artifact, provision, provisioning, aws, gcp, azure, eks, gke, ecs, vpc, iam, rbac, dns, monitoring,
      tls certificate, ssl certificate, arm64, amd64, graviton, provenance, sbom, cron job, cronjob, build job,
      build cache, values yaml, self hosted, firewall, backup, deb package, rpm, homebrew formula, github token,
      ubuntu latest, windows latest, macos latest, release build, pypi, npm publish, publish to npm, cpu limit,
      memory limit, alpine, apt get, canary, graceful shutdown`,
    1: `workflow, pipeline, runner, registry, container, manifest, release, job, host, node, alert, digest, image,
      build, volume, environment variable, secret, restart, proxy, oom, nightly, daemon, cloud, vault, makefile, yml,
      binary, instance, disk, musl, drain`,
  },
  frontend: {
    3: `frontend, front end, client side, css, scss, sass, tailwind, stylesheet, styling, unstyled, ui, ux, dark mode,
      dark theme, light mode, responsive, viewport, media query, flexbox, z index, aria, aria label, a11y, accessibility,
      screen reader, alt text, alt attribute, tab order, focus ring, keyboard navigation, wcag, tooltip, dropdown, modal,
      popover, snackbar, navbar, sidebar, hamburger menu, breadcrumb, accordion, combobox, date picker, datepicker,
      colour picker, color picker, checkbox, radio button, textarea, search box, search bar, search field, text field,
      file input, progress bar, carousel, lightbox, infinite scroll, favicon, typography, vue, svelte, angular, next js,
      nextjs, nuxt, redux, jsx, tsx, shadow dom, react component, ui component, web component, server component,
      hydration, use effect, useeffect, use memo, usememo, use state, usestate, re render, rerender, storybook,
      lighthouse, figma, bundle size, first paint, contentful paint, button, narrow screen, small screen, landing page,
      web page, white page, blank page, white screen, blank screen, dom, login form, sign up form, colour contrast,
      color contrast, sticky footer, right to left, local storage, localstorage, object fit, drag and drop, flicker`,
    2: `react, layout, theme, icon, font, pixel, hover, click, scroll, scrollbar, dialog, menu, toolbar, header row,
      table header, table row, column width, banner, popup, pop up, toast, spinner, animation, chart, browser, safari,
      firefox, chrome, mobile, tablet, widget, form, input field, empty field, autocomplete, drag, keyboard shortcut,
      keyboard, arrow key, lazy loading, avatar, thumbnail, gallery, drawer, v model, svg, canvas, padding, misaligned,
      blurry, contrast, slider, picker, homepage, devtool, rtl, arabic, hebrew, service worker, zoom, pinch, swipe,
      touch, caret, top bar, tapping, typing, stretched, squeezed, upload area`,
    1: `component, page, screen, input, press, blank, reload, render, color, colour, dashboard, navigation, html,
      accessible, shortcut, website, display, text, design, badge, card, grid, link, view, footer, header, tab, toggle,
      select, photo, mouse, tap, overflow, truncated, cut off, label, prop, hook, bundle, chunk, iphone, android, editor,
      sticky, focus, placeholder, margin, border, suggestion, finger, map, hide, hidden, visible, highlight, panel,
      heading, axis, typed, jump, style`,
  },
  testing: {
    3: `testing, unit test, integration test, e2e, e2e test, end to end test, smoke test, load test, contract test,
      test suite, test coverage, code coverage, branch coverage, flaky, flaky test, flake, flakiness, pytest, jest, vitest,
      mocha, junit, rspec, cypress, playwright, selenium, testcontainer, testing library, snapshot test, fixture, mock,
      stub, test case, test data, failing test, regression test, visual regression, property based, fast check,
      fuzz, fuzzing, mutation testing, teardown, test runner, add test, write test, missing test, more test, no test,
      slow test, untested, fake clock, fake timer, beforeall, beforeeach, test helper, spec file, spec ts, test ts,
      spec js, test js, spec rb, qa`,
    2: `test, suite, coverage, golden file, intermittent failure, intermittently`,
    1: `spec, assertion, assertionerror, assert, snapshot, parallel, random, intermittent, edge case, regression, benchmark,
      hard coded, setup, set up, random failure, fail randomly, sometimes fail`,
  },
};

/** They name no work of the kind that their words suggest, and take those words out of the count. */
export const idioms = `test account, test user, test connection, test environment, test mode, my test, to test, test must,
  test still, existing test, test on, tested, migration guide, language server, dev server, development server,
  job title, command line, pull request, feature request, error message, error page, man page, help page, help text,
  release note, table of content, plugin api, public api, c api, js api, python api, installation guide, lock file,
  settings file, on ci, in ci, api token`;

/** In "deploy button" and "API test" the last word says what it is, and the one before it only which one. */
export const heads = `button, dialog, modal, form, page, menu, tab, icon, tooltip, dropdown, checkbox, sidebar, test, spec,
  mock, fixture, doc, documentation, readme, tutorial`;

/** What names a specialty as a label, and would say less in a sentence. The words that weigh 2 or 3 do so too. */
export const labelWords: Readonly<Record<KnownSpecialty, string>> = {
  backend: 'api, service',
  devops: 'build, cd, container, ops, operation, packaging, release',
  frontend: 'design, html, web, website',
  testing: 'spec',
};
