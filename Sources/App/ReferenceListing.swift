// The tables of the other rooms as `ciam-sidecar metrics`, `routes` and `openapi` print them.

internal import Pipeline
internal import Telemetry
internal import Tenant

package enum ReferenceListing {
    /// Every metric, as a Markdown table.
    package static var metrics: String { MetricFamily.markdown }

    /// Every metric, a few lines each.
    package static var plainMetrics: String { MetricFamily.plain }

    /// Every row of the tenant's API, as a Markdown table.
    package static var routes: String { RouteListing.markdown }

    /// Every row of the tenant's API, a few lines each.
    package static var plainRoutes: String { RouteListing.plain }

    /// The local API, as a Markdown table.
    package static var localAPI: String { OpenAPIListing.markdown }

    /// The local API, as OpenAPI 3.1.
    package static var openAPI: String { OpenAPIListing.document }
}
